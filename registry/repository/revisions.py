"""Revisions: the manifests that a repository holds, by digest.

A manifest's bytes are kept like a blob's, under their sha256. The repository holds it
by a revision link under that sha256 and, if it was pushed by another digest, by an
alias link under that one too: Distribution's garbage collector follows sha256 only.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import attrs

from registry.core.digest import Digest
from registry.core.errors import ManifestInvalid, ManifestUnknown
from registry.core.manifest import parse_manifest, stored_media_type
from registry.core.name import RepositoryName
from registry.repository.cache import Cache
from registry.repository.contents import Contents
from registry.repository.links import (
    every_name,
    follow,
    link_content,
    place_of,
    stored_under,
)
from registry.repository.push import Push
from registry.storage.driver import Absent, Change, Driver, Put, Remove
from registry.storage.layout import blob_data, revision_link, revisions

EXPECTING = 64 * 1024
"""Bytes up to which a manifest that was read is asked for the lengths of its layers."""


@attrs.frozen
class StoredManifest:
    """A manifest as it is served: under ``digest``, which names it to the client."""

    digest: Digest
    media_type: str
    body: bytes = attrs.field(repr=False)


class Revisions:
    """The revisions of all repositories.

    ``stored`` remembers bodies by repository and hexadecimal digest. What is in it is
    held by the repository and was verified, so a second push of it writes nothing.
    """

    def __init__(
        self,
        *,
        driver: Driver,
        stored: Cache[tuple[str, str], StoredManifest],
        contents: Contents,
    ) -> None:
        self._driver = driver
        self._stored = stored
        self._contents = contents

    async def find(self, name: RepositoryName, digest: Digest) -> StoredManifest:
        """The manifest, if ``name`` holds it. Raises ManifestUnknown.

        Bytes that come from disk are verified; a damaged link raises Damaged.
        """
        key = (name.text, digest.hex)
        found = self._stored.get(key)
        if found is None:
            read = partial(self._read, name, digest)
            found = await self._stored.fill(key, read, _cost)
        return found

    async def missing(
        self, name: RepositoryName, digests: Sequence[Digest]
    ) -> list[Digest]:
        """Those of ``digests`` that ``name`` does not hold, in order."""
        unsure = [d for d in digests if self._stored.get((name.text, d.hex)) is None]
        if not unsure:
            return []
        targets = await follow(self._driver, unsure, partial(revision_link, name))
        there = [stored for stored in targets if stored is not None]
        sizes = await self._contents.sizes(there, found=f"a push to {name}")
        pairs = zip(there, sizes, strict=True)
        present = {stored for stored, size in pairs if size is not None}
        ends = zip(unsure, targets, strict=True)
        return [digest for digest, stored in ends if stored not in present]

    async def names_of(self, name: RepositoryName, digest: Digest) -> list[Digest]:
        """All digests that the manifest is held under, its sha256 last; maybe none."""
        path_of = partial(revision_link, name)
        stored = await stored_under(self._driver, digest, path_of)
        if stored is None:
            return []
        return await every_name(self._driver, revisions(name), stored, path_of)

    async def changes_to_add(self, name: RepositoryName, push: Push) -> list[Change]:
        """What makes ``name`` hold the manifest: the bytes, then the links."""
        if self._stored.get((name.text, push.digest.hex)) is not None:
            return []
        content = link_content(push.stored)
        links = [Put(revision_link(name, digest), content) for digest in push.names]
        if await self._contents.is_true(push.stored, found=f"a push to {name}"):
            return [*links]
        return [Put(blob_data(push.stored), push.manifest.body), *links]

    def changes_to_remove(
        self, name: RepositoryName, digests: Sequence[Digest]
    ) -> list[Change]:
        """What makes ``name`` not hold the manifest that has these ``digests``."""
        return [Remove(place_of(revision_link(name, digest))) for digest in digests]

    def added(self, name: RepositoryName, push: Push) -> None:
        """The manifest was pushed."""
        for digest in push.names:
            found = StoredManifest(digest, push.manifest.media_type, push.manifest.body)
            self._stored.put((name.text, digest.hex), found, _cost(found))

    def drop(self, name: RepositoryName, digests: Sequence[Digest]) -> None:
        """These were removed, or changed in a way that has to be read."""
        for digest in digests:
            self._stored.drop((name.text, digest.hex))

    def lost(self, stored: Digest) -> None:
        """The content is gone from under all repositories, whatever they call it."""
        self._stored.drop_where(
            lambda key: key[1] == stored.hex or len(key[1]) != len(stored.hex)
        )

    def forget(self, name: RepositoryName) -> None:
        """``name`` was removed."""
        self._stored.drop_where(lambda key: key[0] == name.text)

    async def _read(self, name: RepositoryName, digest: Digest) -> StoredManifest:
        [stored] = await follow(self._driver, [digest], partial(revision_link, name))
        if stored is None:
            raise ManifestUnknown(detail={"digest": str(digest)})
        try:
            await self._contents.require(stored, found=f"a pull from {name}")
            body = await self._driver.read(blob_data(stored))
        except Absent:
            raise ManifestUnknown(
                "the repository has a link to the manifest, but the bytes are missing"
                " from storage; push the manifest again",
                detail={"digest": str(digest)},
            ) from None
        media_type = stored_media_type(body)
        self._expect(body, media_type)
        return StoredManifest(digest, media_type, body)

    def _expect(self, body: bytes, media_type: str) -> None:
        """Remember how long the manifest says that its blobs are: a pull follows."""
        if len(body) > EXPECTING:
            return
        with suppress(ManifestInvalid):
            manifest = parse_manifest(body, media_type)
            for descriptor in manifest.layers:
                if descriptor.digest.is_canonical:
                    self._contents.expect(descriptor.digest, descriptor.size)


def _cost(manifest: StoredManifest) -> int:
    return len(manifest.body)
