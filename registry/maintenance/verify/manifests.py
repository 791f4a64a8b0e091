"""The check of one manifest: that everything it refers to can be pulled.

Every manifest of a repository is looked at by itself, whatever refers to it. So an
index of many is one long list, and what leads in a circle leads nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from registry.core.digest import Digest
from registry.core.errors import ManifestInvalid
from registry.core.manifest import Manifest, parse_manifest, stored_media_type
from registry.core.name import RepositoryName
from registry.core.rules import ReferenceRules
from registry.maintenance.links import target_of
from registry.maintenance.verify.finding import Finding, Kind, damage, note
from registry.maintenance.verify.known import KnownContents
from registry.storage.driver import Absent
from registry.storage.layout import blob_data, layer_link, revision_link
from registry.storage.survey import Survey

LIMIT = 64 * 1024 * 1024
"""Bytes of a manifest that are read; no configuration should allow more."""

NAMED = 3
"""Missing references that are named; the others are counted."""


@attrs.frozen(kw_only=True)
class ManifestCheck:
    """Looks at manifests, when all contents are ``known``; blocks."""

    survey: Survey
    rules: ReferenceRules
    known: KnownContents

    def findings(
        self, name: RepositoryName, digest: Digest, stored: Digest
    ) -> list[Finding]:
        """What is wrong with a manifest that is held as ``digest``. Raises Absent."""
        path = revision_link(name, digest)
        body = self.survey.read(blob_data(stored), LIMIT + 1)
        if len(body) > LIMIT:
            return [_unclear(path, f"it is larger than {LIMIT} bytes")]
        try:
            kind = stored_media_type(body)
            manifest = parse_manifest(body, kind, values=LIMIT)
        except ManifestInvalid as error:
            return [_unclear(path, error.message)]
        return [*self._references(name, path, manifest), *self._subject(name, manifest)]

    def _references(
        self, name: RepositoryName, path: str, manifest: Manifest
    ) -> Iterator[Finding]:
        blobs = [d.digest for d in self.rules.required_blobs(manifest)]
        children = [d.digest for d in self.rules.required_manifests(manifest)]
        missing = [digest for digest in blobs if not self._has_blob(name, digest)]
        # BuildKit's cache is an index whose children are layers: either will do
        missing += [
            digest
            for digest in children
            if not self._has(revision_link(name, digest), digest)
            and not self._has_blob(name, digest)
        ]
        if missing:
            yield damage(
                Kind.REFERENCE_MISSING,
                path,
                f"the manifest refers to {_named(missing)}, which {name} does not hold"
                " whole; push it there again",
            )

    def _subject(self, name: RepositoryName, manifest: Manifest) -> Iterator[Finding]:
        subject = manifest.subject
        if subject is None:
            return
        if not self._has(revision_link(name, subject.digest), subject.digest):
            yield note(
                Kind.SUBJECT_MISSING,
                revision_link(name, subject.digest),
                "a manifest refers to this subject, which is not here; that is allowed",
            )

    def _has_blob(self, name: RepositoryName, digest: Digest) -> bool:
        return self._has(layer_link(name, digest), digest)

    def _has(self, link: str, digest: Digest) -> bool:
        """Whether a link is there and what it leads to is there and true."""
        try:
            stored = target_of(self.survey, link, digest)
        except Absent:
            return False
        if stored is None:
            return False
        return self.known.is_good(stored, self.survey.look(blob_data(stored)))


def _unclear(path: str, why: str) -> Finding:
    return note(
        Kind.NOT_A_MANIFEST,
        path,
        f"what the manifest refers to was not checked: {why}",
    )


def _named(digests: Iterable[Digest]) -> str:
    texts = [str(digest) for digest in digests]
    more = f" and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return ", ".join(texts[:NAMED]) + more
