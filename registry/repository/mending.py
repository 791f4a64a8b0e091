"""Mending: links that cannot be read are written again, where it is certain how.

A link's path says who holds what; for content under its sha256, and for the history of
a tag, it says all that the link itself does. So such a link is rebuilt, if the content
is there and true. A tag is set to the newest entry of its history (``tag_history.py``).
An alias, whose path has another digest than its content, cannot be rebuilt: a push is
needed.

Everything is looked at again under the lock of whoever changes it, so nothing comes
back that was deleted, and no newer link is replaced.
"""

from __future__ import annotations

from enum import Enum

import attrs

from registry.core.digest import Digest
from registry.core.name import RepositoryName, Tag
from registry.repository.blobs import Blobs
from registry.repository.catalog import Catalog
from registry.repository.contents import Contents
from registry.repository.damage import LinkCorrupt
from registry.repository.finished import finished
from registry.repository.links import link_content, parse_link
from registry.repository.locks import Locks
from registry.repository.presence import Presence
from registry.repository.referrers import Referrers
from registry.repository.revisions import Revisions
from registry.repository.tag_history import newest_entry
from registry.repository.tags import Tags
from registry.storage.driver import Driver, Put
from registry.storage.layout import layer_link, revision_link, tag_current, tag_index

FOUND = "the rebuilding of a link"


class Outcome(Enum):
    """What came of a look at a link."""

    SOUND = "there is nothing to mend"
    MENDED = "it was written again"
    BEYOND = "it is left as it is: nothing says for certain what belongs there"


@attrs.frozen(kw_only=True)
class Mending:
    """Mends the links of all repositories."""

    driver: Driver
    contents: Contents
    blobs: Blobs
    revisions: Revisions
    tags: Tags
    referrers: Referrers
    catalog: Catalog
    locks: Locks
    presence: Presence

    async def layer(self, name: RepositoryName, digest: Digest) -> Outcome:
        """The link by which ``name`` holds a blob."""

        async def mend() -> Outcome:
            async with self.locks.hold((name.text, digest.hex)):
                outcome = await self._rebuild(name, layer_link(name, digest), digest)
                self.blobs.forget_link(name, digest)
                return outcome

        return await finished(mend())

    async def revision(self, name: RepositoryName, digest: Digest) -> Outcome:
        """The link by which ``name`` holds a manifest."""

        async def mend() -> Outcome:
            async with self.locks.hold(name.text):
                outcome = await self._rebuild(name, revision_link(name, digest), digest)
                self.revisions.drop(name, [digest])
                self.referrers.forget(name)
                self.catalog.doubt(name)
                return outcome

        return await finished(mend())

    async def entry(self, name: RepositoryName, tag: Tag, digest: Digest) -> Outcome:
        """An entry of a tag's history."""

        async def mend() -> Outcome:
            async with self.locks.hold(name.text), self.presence.within(name):
                path = tag_index(name, tag, digest)
                if await self._reads_as(path, digest):
                    return Outcome.SOUND
                if await self.revisions.missing(name, [digest]):
                    return Outcome.BEYOND
                await self.driver.apply([Put(path, link_content(digest))])
                return Outcome.MENDED

        return await finished(mend())

    async def tag(self, name: RepositoryName, tag: Tag) -> Outcome:
        """The current link of a tag."""

        async def mend() -> Outcome:
            async with self.locks.hold(name.text), self.presence.within(name):
                path = tag_current(name, tag)
                if await self._reads_as(path):
                    return Outcome.SOUND
                digest = await newest_entry(self.driver, name, tag)
                if digest is None:
                    return Outcome.BEYOND
                await self.driver.apply([Put(path, link_content(digest))])
                self.tags.pointed(name, tag, digest)
                return Outcome.MENDED

        return await finished(mend())

    async def _rebuild(
        self, name: RepositoryName, path: str, digest: Digest
    ) -> Outcome:
        async with self.presence.within(name):
            if await self._reads_as(path, digest if digest.is_canonical else None):
                return Outcome.SOUND
            if not digest.is_canonical:
                return Outcome.BEYOND
            if not await self.contents.is_true(digest, found=FOUND):
                return Outcome.BEYOND
            await self.driver.apply([Put(path, link_content(digest))])
            return Outcome.MENDED

    async def _reads_as(self, path: str, digest: Digest | None = None) -> bool:
        """Whether a link is gone, or holds ``digest``; without one, any will do."""
        [content] = await self.driver.read_many([path])
        if content is None:
            return True
        if digest is not None:
            return content == link_content(digest)
        try:
            parse_link(path, content, what=path)
        except LinkCorrupt:
            return False
        return True
