"""A finding: one thing about a store that somebody should know."""

from __future__ import annotations

from enum import Enum

import attrs

from registry.core.digest import Digest
from registry.core.name import RepositoryName, Tag


class Severity(Enum):
    """What a finding means."""

    DAMAGE = "damage"
    """Something that clients rely on is not there, or not what it should be."""

    UNREADABLE = "unreadable"
    """It could not be told: the disk or the permissions did not let us look."""

    NOTE = "note"
    """Nothing that clients could notice."""


class Kind(Enum):
    """What is the matter."""

    CONTENT_DAMAGED = "content-damaged"
    CONTENT_MISSING = "content-missing"
    LINK_TORN = "link-torn"
    REFERENCE_MISSING = "reference-missing"
    TAG_DANGLING = "tag-dangling"
    NOT_READ = "not-read"
    NOT_A_MANIFEST = "not-a-manifest"
    SUBJECT_MISSING = "subject-missing"
    HISTORY_INCOMPLETE = "history-incomplete"
    UNKNOWN_FILE = "unknown-file"
    LEFTOVER = "leftover"
    HALF_MADE_UPLOAD = "half-made-upload"


@attrs.frozen
class Repair:
    """What may safely be done about a finding; ``told`` is what that is."""

    told: str


@attrs.frozen
class SetAside(Repair):
    """Move damaged content into the quarantine."""

    stored: Digest


@attrs.frozen
class MendLayer(Repair):
    """Write the link of a blob again."""

    name: RepositoryName
    digest: Digest


@attrs.frozen
class MendRevision(Repair):
    """Write the link of a manifest again."""

    name: RepositoryName
    digest: Digest


@attrs.frozen
class MendEntry(Repair):
    """Write an entry of a tag's history again."""

    name: RepositoryName
    tag: Tag
    digest: Digest


@attrs.frozen
class MendTag(Repair):
    """Set a tag to the newest entry of its history."""

    name: RepositoryName
    tag: Tag


@attrs.frozen
class Sweep(Repair):
    """Remove a leftover."""

    path: str


@attrs.frozen
class DropUpload(Repair):
    """Remove what is left of an upload."""

    name: RepositoryName
    session: str


ORDER: tuple[type[Repair], ...] = (
    SetAside,
    MendLayer,
    MendRevision,
    MendEntry,
    MendTag,
    DropUpload,
    Sweep,
)
"""What comes first: a link is only written again for content that is there and true."""


@attrs.frozen
class Finding:
    """One thing that was found at ``path``; ``message`` says what to do about it."""

    severity: Severity
    kind: Kind
    path: str
    message: str
    repair: Repair | None = None


def damage(
    kind: Kind, path: str, message: str, repair: Repair | None = None
) -> Finding:
    """Something that clients rely on is wrong."""
    return Finding(Severity.DAMAGE, kind, path, message, repair)


def note(kind: Kind, path: str, message: str, repair: Repair | None = None) -> Finding:
    """Something to know."""
    return Finding(Severity.NOTE, kind, path, message, repair)


def unreadable(path: str, message: str) -> Finding:
    """It could not be told."""
    return Finding(Severity.UNREADABLE, Kind.NOT_READ, path, message)
