"""Blobs: content that a repository holds.

A repository holds a blob when it has a link to it; the bytes are kept once for all
repositories. A blob pushed under another digest than sha256 has two links, one under
each, and is one file. Whoever writes or removes layer links does it here.

Which link leads where is one fact per repository. How large content is, and what is in
it, is one fact for all of them, and is corrected when the content is written anew.

Spec: distribution end-2, end-10 and end-11.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

import attrs

from registry.core.descriptor import Descriptor
from registry.core.digest import Digest
from registry.core.errors import BlobUnknown
from registry.core.name import RepositoryName
from registry.repository.blob import Blob, content_missing
from registry.repository.cache import Cache
from registry.repository.catalog import Catalog
from registry.repository.contents import Contents
from registry.repository.damage import LinkCorrupt
from registry.repository.finished import finished
from registry.repository.links import (
    every_name,
    follow,
    link_content,
    place_of,
    stored_under,
    warn_of,
)
from registry.repository.locks import Locks
from registry.repository.presence import Presence
from registry.repository.sources import Sources
from registry.repository.verified import Verified
from registry.storage.driver import (
    Absent,
    Change,
    Content,
    Driver,
    Put,
    Remove,
)
from registry.storage.held import HeldContent
from registry.storage.layout import blob_data, layer_link, layers

__all__ = ["Blob", "Blobs", "Readable"]

LINK_COST = 200
"""Bytes of memory that a remembered link takes."""

SIZE_COST = 50
"""Bytes of memory that a remembered size takes."""

Readable = Callable[[RepositoryName], Awaitable[bool]]
"""Whether the caller may pull from a repository."""


class Blobs:
    """The blobs of all repositories.

    ``known`` remembers which sha256 a repository's link leads to; ``sizes``, by sha256,
    how many bytes are there; ``contents``, by sha256 too, bytes that were verified, of
    blobs up to ``small_limit`` bytes. Their keys are texts, for those hash fastest; the
    length of the hexadecimal form tells the algorithms apart. ``stored`` is where the
    bytes are.
    """

    def __init__(
        self,
        *,
        driver: Driver,
        known: Cache[tuple[str, str], Digest],
        sizes: Cache[str, int],
        contents: Cache[str, Content],
        locks: Locks,
        presence: Presence,
        catalog: Catalog,
        sources: Sources,
        stored: Contents,
        verified: Verified,
        small_limit: int,
    ) -> None:
        self._driver = driver
        self._known = known
        self._sizes = sizes
        self._contents = contents
        self._locks = locks
        self._presence = presence
        self._catalog = catalog
        self._sources = sources
        self._stored = stored
        self._verified = verified
        self._small_limit = small_limit

    @property
    def descriptors(self) -> Cache[tuple[str, str], Digest]:
        """What is remembered of links, for whoever counts how often that helped."""
        return self._known

    async def find(self, name: RepositoryName, digest: Digest) -> Blob:
        """The blob, if ``name`` holds it. Raises BlobUnknown."""
        key = (name.text, digest.hex)
        stored = self._known.get(key)
        if stored is None:
            read = partial(self._follow, name, digest)
            stored = await self._known.fill(key, read, _link_cost)
        size = self._sizes.get(stored.hex)
        if size is None:
            measure = partial(self._measure, name, stored)
            try:
                size = await self._sizes.fill(stored.hex, measure, _size_cost)
            except Absent:
                raise content_missing(digest) from None
        return Blob(digest=digest, stored=stored, size=size)

    async def open(self, name: RepositoryName, digest: Digest) -> tuple[Blob, Content]:
        """The blob and its bytes, which the caller closes.

        Raises BlobUnknown, also where the content turns out not to be what it should.
        """
        blob = await self.find(name, digest)
        content = self._contents.get(blob.stored.hex)
        if content is not None:
            return blob, content
        try:
            content = await self._open(name, blob)
        except Absent:
            self._sizes.drop(blob.stored.hex)
            raise content_missing(digest) from None
        return attrs.evolve(blob, size=content.size), content

    def told(self, descriptors: Iterable[Descriptor]) -> None:
        """A manifest says how long content is. Where that is news, measure it again."""
        for descriptor in descriptors:
            digest = descriptor.digest
            if digest.is_canonical and self._sizes.get(digest.hex) != descriptor.size:
                self._sizes.drop(digest.hex)
                self._stored.expect(digest, descriptor.size)

    async def missing(
        self, name: RepositoryName, digests: Sequence[Digest]
    ) -> list[Digest]:
        """Those of ``digests`` that ``name`` does not hold, each once, in order."""
        unsure = [
            digest
            for digest in dict.fromkeys(digests)
            if not self._is_sure_of(name, digest)
        ]
        if not unsure:
            return []
        targets = await follow(self._driver, unsure, partial(layer_link, name))
        there = [stored for stored in targets if stored is not None]
        sizes = await self._stored.sizes(there, found=f"a push to {name}")
        pairs = zip(there, sizes, strict=True)
        present = {stored for stored, size in pairs if size is not None}
        ends = zip(unsure, targets, strict=True)
        return [digest for digest, stored in ends if stored not in present]

    async def mount(
        self,
        name: RepositoryName,
        digest: Digest,
        *,
        source: RepositoryName | None,
        readable: Readable,
    ) -> Blob | None:
        """Let ``name`` hold a blob that another repository holds.

        Without a ``source``, any repository that is ``readable`` will do. None if
        there is none. Holding it already is success.

        Spec: distribution end-11.
        """
        blob = await self._find_or_none(name, digest)
        if blob is not None:
            await self._driver.settle()
            return blob
        blob = await self._elsewhere(digest, source, readable)
        if blob is not None:
            await self.link(name, blob)
        return blob

    async def link(
        self,
        name: RepositoryName,
        blob: Blob,
        *,
        first: Sequence[Change] = (),
        then: Sequence[Change] = (),
    ) -> None:
        """Let ``name`` hold ``blob``: change ``first``, write its links, ``then``.

        ``first`` is what puts the bytes there, so a crash leaves no link to nothing.
        """
        await finished(self._link(name, blob, first, then))

    async def delete(self, name: RepositoryName, digest: Digest) -> None:
        """Let ``name`` hold the blob no longer, under any digest. Raises BlobUnknown.

        The bytes stay until nothing refers to them and the garbage is collected.
        """
        await finished(self._delete(name, digest))

    def forget_link(self, name: RepositoryName, digest: Digest) -> None:
        """The link was changed by somebody who held the blob's lock."""
        self._drop(name, [digest])

    def forget(self, name: RepositoryName) -> None:
        """``name`` was removed."""
        self._known.drop_where(lambda key: key[0] == name.text)

    def rewritten(self, stored: Digest) -> None:
        """The bytes under ``stored`` were written anew, or may have been."""
        self._sizes.drop(stored.hex)
        self._contents.drop(stored.hex)

    def _is_sure_of(self, name: RepositoryName, digest: Digest) -> bool:
        stored = self._known.get((name.text, digest.hex))
        return stored is not None and self._sizes.get(stored.hex) is not None

    async def _follow(self, name: RepositoryName, digest: Digest) -> Digest:
        [stored] = await follow(self._driver, [digest], partial(layer_link, name))
        if stored is None:
            raise BlobUnknown(detail=str(digest))
        return stored

    async def _measure(self, name: RepositoryName, stored: Digest) -> int:
        [size] = await self._stored.sizes([stored], found=f"a request to {name}")
        if size is None:
            raise Absent(blob_data(stored))
        self._verified.asked_for(stored)
        return size

    async def _open(self, name: RepositoryName, blob: Blob) -> Content:
        stored, found = blob.stored, f"a pull from {name}"
        if blob.size <= self._small_limit:
            read = partial(self._read, stored, found)
            return await self._contents.fill(stored.hex, read, _content_cost)
        self._verified.asked_for(stored)
        content = await self._driver.open(blob_data(stored))
        if content.size == blob.size:
            return content
        content.close()  # it was longer or shorter when it was measured
        self._sizes.drop(stored.hex)
        await self._stored.require(stored, found=found)
        return await self._driver.open(blob_data(stored))

    async def _read(self, stored: Digest, found: str) -> Content:
        """Small content, for so many readers that it is verified first."""
        return HeldContent(await self._stored.read(stored, found=found))

    async def _find_or_none(self, name: RepositoryName, digest: Digest) -> Blob | None:
        try:
            return await self.find(name, digest)
        except BlobUnknown:
            return None

    async def _elsewhere(
        self, digest: Digest, source: RepositoryName | None, readable: Readable
    ) -> Blob | None:
        sources = [source] if source else await self._sources.of(digest)
        for candidate in sources:
            if not await readable(candidate):
                continue
            try:
                blob = await self._find_or_none(candidate, digest)
            except LinkCorrupt as damage:
                if source is not None:
                    raise
                warn_of(damage)
                continue
            if blob is not None:
                return blob
        return None

    async def _link(
        self,
        name: RepositoryName,
        blob: Blob,
        first: Sequence[Change],
        then: Sequence[Change],
    ) -> None:
        digests = list(dict.fromkeys([blob.stored, blob.digest]))
        content = link_content(blob.stored)
        links = [Put(layer_link(name, digest), content) for digest in digests]
        async with self._locks.hold((name.text, blob.stored.hex)):
            try:
                async with self._presence.within(name):
                    await self._apply(blob, first, [*links, *then])
                    self._remember(name, blob, digests)
            except BaseException:
                self.rewritten(blob.stored)
                self._drop(name, digests)
                raise

    async def _apply(
        self, blob: Blob, first: Sequence[Change], then: Sequence[Change]
    ) -> None:
        if not first:
            await self._driver.apply(then)
            return
        async with self._stored.writing(blob.stored):
            await self._driver.apply([*first, *then])
            self.rewritten(blob.stored)
            self._stored.written(blob.stored)
            self._sizes.put(blob.stored.hex, blob.size, SIZE_COST)

    async def _delete(self, name: RepositoryName, digest: Digest) -> None:
        path_of = partial(layer_link, name)
        stored = await stored_under(self._driver, digest, path_of)
        if stored is None:
            await self._driver.settle()
            raise BlobUnknown(detail=str(digest))
        async with self._locks.hold((name.text, stored.hex)):
            digests = await every_name(self._driver, layers(name), stored, path_of)
            if not digests:
                await self._driver.settle()
                raise BlobUnknown(detail=str(digest))
            try:
                await self._driver.apply(
                    [Remove(place_of(path_of(digest))) for digest in digests]
                )
            finally:
                self._drop(name, digests)

    def _remember(
        self, name: RepositoryName, blob: Blob, digests: Sequence[Digest]
    ) -> None:
        self._catalog.appeared(name)
        for digest in digests:
            self._known.put((name.text, digest.hex), blob.stored, LINK_COST)

    def _drop(self, name: RepositoryName, digests: Sequence[Digest]) -> None:
        for digest in digests:
            self._known.drop((name.text, digest.hex))


def _link_cost(_stored: Digest) -> int:
    return LINK_COST


def _size_cost(_size: int) -> int:
    return SIZE_COST


def _content_cost(content: Content) -> int:
    return content.size
