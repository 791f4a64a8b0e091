"""Tags: movable names of manifests.

A tag is what its ``current/link`` says. Its ``index`` keeps a link for everything it
ever pointed at, as Distribution wants it; the index is written first, so a crash leaves
history without a tag and never a tag without history. Where the link is corrupt, the
history tells (``tag_history.py``).

Tags are changed under the lock of their repository, which ``manifests.py`` holds.

Spec: distribution end-8a and end-9.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from functools import partial

import attrs
from twisted.logger import Logger

from registry.core.digest import Digest
from registry.core.errors import ManifestUnknown, NameUnknown, TagInvalid
from registry.core.name import RepositoryName, Tag
from registry.repository.cache import Cache
from registry.repository.catalog import Catalog
from registry.repository.damage import LinkCorrupt
from registry.repository.finished import finished
from registry.repository.links import (
    batches,
    link_content,
    names_or_none,
    parse_link,
    warn_of,
)
from registry.repository.locks import Locks
from registry.repository.tag_history import newest_entry
from registry.storage.driver import Absent, Change, Driver, Put, Remove
from registry.storage.layout import tag as tag_place
from registry.storage.layout import tag_current, tag_index, tags

_log = Logger()

TARGET_COST = 300
"""Bytes of memory that a remembered digest takes."""

NAME_COST = 100
"""Bytes of memory that a remembered tag name takes."""


@attrs.define
class Listing:
    """The tags of one repository; ``targets`` stays None until it was needed."""

    names: list[str]
    targets: dict[str, Digest] | None = None

    @property
    def cost(self) -> int:
        """Bytes of memory, about."""
        return len(self.names) * NAME_COST + len(self.targets or ()) * TARGET_COST

    def point(self, tag: Tag, digest: Digest) -> None:
        """``tag`` points at ``digest`` now."""
        position = bisect_left(self.names, tag.text)
        if self.names[position : position + 1] != [tag.text]:
            insort(self.names, tag.text)
        if self.targets is not None:
            self.targets[tag.text] = digest

    def remove(self, tag: Tag) -> None:
        """``tag`` is gone."""
        position = bisect_left(self.names, tag.text)
        if self.names[position : position + 1] == [tag.text]:
            del self.names[position]
        if self.targets is not None:
            self.targets.pop(tag.text, None)


class Tags:
    """The tags of all repositories."""

    def __init__(
        self,
        *,
        driver: Driver,
        targets: Cache[tuple[str, str], Digest],
        listings: Cache[str, Listing],
        locks: Locks,
        catalog: Catalog,
    ) -> None:
        self._driver = driver
        self._targets = targets
        self._listings = listings
        self._locks = locks
        self._catalog = catalog

    async def resolve(self, name: RepositoryName, tag: Tag) -> Digest:
        """What ``tag`` points at. Raises ManifestUnknown."""
        key = (name.text, tag.text)
        digest = self._targets.get(key)
        if digest is None:
            read = partial(self._read, name, tag)
            digest = await self._targets.fill(key, read, _cost)
        return digest

    async def names(self, name: RepositoryName) -> Sequence[str]:
        """All tags of the repository, sorted by bytes. Raises NameUnknown.

        A directory without ``current/link``, left by a crash, is not a tag.
        """
        listing = self._listings.get(name.text)
        if listing is None:
            async with self._locks.hold(name.text):
                listing = await self._listing(name)
        return listing.names

    async def delete(self, name: RepositoryName, tag: Tag) -> None:
        """Remove the tag, not what it points at. Raises ManifestUnknown."""
        await finished(self._delete(name, tag))

    async def pointing_at(
        self, name: RepositoryName, digests: Sequence[Digest]
    ) -> list[Tag]:
        """All tags that point at one of ``digests``. Hold the repository's lock.

        A tag of which nothing tells what it pointed at is left out, which is logged.
        """
        listing = await self._listing(name)
        if listing.targets is None:
            listing.targets = await self._read_targets(name, listing.names)
            self._listings.put(name.text, listing, listing.cost)
        wanted = set(digests)
        return [Tag(text) for text, d in listing.targets.items() if d in wanted]

    def changes_to_point(
        self, name: RepositoryName, tag: Tag, digest: Digest
    ) -> list[Change]:
        """What makes ``tag`` point at ``digest``, in this order."""
        content = link_content(digest)
        return [
            Put(tag_index(name, tag, digest), content),
            Put(tag_current(name, tag), content),
        ]

    def changes_to_remove(self, name: RepositoryName, tag: Tag) -> list[Change]:
        """What makes ``tag`` not exist."""
        return [Remove(tag_place(name, tag))]

    def pointed(self, name: RepositoryName, tag: Tag, digest: Digest) -> None:
        """``tag`` was made to point at ``digest``."""
        self._targets.put((name.text, tag.text), digest, TARGET_COST)
        listing = self._listings.get(name.text)
        if listing is not None:
            listing.point(tag, digest)
            self._listings.put(name.text, listing, listing.cost)

    def removed(self, name: RepositoryName, tag: Tag) -> None:
        """``tag`` was removed."""
        self._targets.drop((name.text, tag.text))
        listing = self._listings.get(name.text)
        if listing is not None:
            listing.remove(tag)

    def doubt(self, name: RepositoryName, changed: Sequence[Tag]) -> None:
        """It is not known what became of ``changed``: read them again."""
        self._listings.drop(name.text)
        for tag in changed:
            self._targets.drop((name.text, tag.text))

    def forget(self, name: RepositoryName) -> None:
        """``name`` was removed."""
        self._listings.drop(name.text)
        self._targets.drop_where(lambda key: key[0] == name.text)

    async def _read(self, name: RepositoryName, tag: Tag) -> Digest:
        path = tag_current(name, tag)
        try:
            content = await self._driver.read(path)
        except Absent:
            raise _unknown(tag) from None
        return await self._target(name, tag, path, content)

    async def _target(
        self, name: RepositoryName, tag: Tag, path: str, content: bytes
    ) -> Digest:
        """The digest in a tag's link, or what else says it. Raises LinkCorrupt."""
        try:
            return parse_link(path, content, what=_described(tag))
        except LinkCorrupt:
            digest = await newest_entry(self._driver, name, tag)
            if digest is None:
                raise
        _log.warn(
            "{path} is corrupt; the tag is taken to point at {digest}, the newest"
            " entry of its index",
            path=path,
            digest=str(digest),
        )
        return digest

    async def _listing(self, name: RepositoryName) -> Listing:
        """The tags of ``name``. Hold the repository's lock. Raises NameUnknown."""
        listing = self._listings.get(name.text)
        if listing is None:
            listing = Listing(names=await self._read_names(name))
            if listing.names:
                self._listings.put(name.text, listing, listing.cost)
        return listing

    async def _read_names(self, name: RepositoryName) -> list[str]:
        names = await names_or_none(self._driver, tags(name))
        if not names and not await self._catalog.exists(name):
            raise NameUnknown(detail={"name": name.text})
        found: list[str] = []
        for batch in batches([text for text in names if _is_tag(text)]):
            paths = [tag_current(name, Tag(text)) for text in batch]
            sizes = await self._driver.sizes(paths)
            pairs = zip(batch, sizes, strict=True)
            found += [text for text, size in pairs if size is not None]
        return found

    async def _read_targets(
        self, name: RepositoryName, names: Sequence[str]
    ) -> dict[str, Digest]:
        targets: dict[str, Digest] = {}
        for batch in batches(names):
            paths = [tag_current(name, Tag(text)) for text in batch]
            contents = await self._driver.read_many(paths)
            for text, path, content in zip(batch, paths, contents, strict=True):
                try:
                    if content is not None:
                        target = self._target(name, Tag(text), path, content)
                        targets[text] = await target
                except LinkCorrupt as damage:
                    warn_of(damage)
        return targets

    async def _delete(self, name: RepositoryName, tag: Tag) -> None:
        async with self._locks.hold(name.text):
            # a torn link is a tag too: this is how its owner gets rid of it
            [size] = await self._driver.sizes([tag_current(name, tag)])
            if size is None:
                await self._driver.settle()
                raise _unknown(tag)
            try:
                await self._driver.apply(self.changes_to_remove(name, tag))
            except BaseException:
                self.doubt(name, [tag])
                raise
            self.removed(name, tag)


def _cost(_digest: Digest) -> int:
    return TARGET_COST


def _is_tag(text: str) -> bool:
    try:
        Tag(text)
    except TagInvalid:
        return False
    return True


def _described(tag: Tag) -> str:
    return f"the tag {tag}"


def _unknown(tag: Tag) -> ManifestUnknown:
    return ManifestUnknown(
        f"there is no tag {tag} in this repository", detail={"tag": tag.text}
    )
