"""A push of a manifest, checked as far as its own bytes go."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from registry.core.digest import Digest
from registry.core.errors import DigestInvalid
from registry.core.manifest import Manifest, parse_manifest
from registry.core.name import Reference, Tag


@attrs.frozen
class Pushed:
    """What a push did."""

    digest: Digest
    subject: Digest | None
    tags: tuple[Tag, ...]


@attrs.frozen
class Push:
    """A manifest that is to be held as ``digest`` and that ``tags`` shall point at.

    ``stored`` is the sha256 that its bytes are kept under.
    """

    manifest: Manifest
    digest: Digest
    stored: Digest
    tags: tuple[Tag, ...]

    @property
    def names(self) -> list[Digest]:
        """The digests that the repository will hold it under."""
        return list(dict.fromkeys([self.stored, self.digest]))

    @property
    def done(self) -> Pushed:
        """What the client is told."""
        subject = self.manifest.subject
        digest = None if subject is None else subject.digest
        return Pushed(digest=self.digest, subject=digest, tags=self.tags)


def checked_push(
    body: bytes,
    content_type: str | None,
    reference: Reference,
    tags: Sequence[Tag],
    *,
    depth: int,
) -> Push:
    """The push that a client asked for. Raises ManifestInvalid or DigestInvalid.

    ``depth`` bounds what nests in it. A tag is pushed as sha256; a digest has to be
    that of the bytes. May take a second for the largest manifests.
    """
    manifest = parse_manifest(body, content_type, depth=depth)
    stored = Digest.of(manifest.body)
    if isinstance(reference, Tag):
        return Push(manifest, stored, stored, tuple(dict.fromkeys([reference, *tags])))
    digest = Digest.of(manifest.body, reference.algorithm)
    if digest != reference:
        raise DigestInvalid(
            f"the manifest has the digest {digest}, not {reference}; push it as that",
            detail=str(reference),
        )
    return Push(manifest, digest, stored, tuple(dict.fromkeys(tags)))
