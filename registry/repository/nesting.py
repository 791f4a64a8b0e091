"""Nesting: how deep indexes lie inside each other.

Every level is one more round of requests for a client, and one more step for whoever
follows references. What a digest names cannot change, so its depth is found once.
"""

from __future__ import annotations

from registry.core import mediatype
from registry.core.descriptor import Descriptor
from registry.core.digest import Digest
from registry.core.errors import ManifestInvalid, ManifestUnknown
from registry.core.manifest import parse_manifest
from registry.core.name import RepositoryName
from registry.repository.cache import Cache
from registry.repository.damage import Damaged
from registry.repository.revisions import Revisions

REMEMBERED = 10_000
"""Indexes whose depth is remembered."""


class Nesting:
    """The depths of indexes, which may be up to ``limit``."""

    def __init__(self, *, revisions: Revisions, limit: int) -> None:
        self._revisions = revisions
        self.limit = limit
        self._depths: Cache[Digest, int] = Cache(limit=2**30, entries=REMEMBERED)

    async def check(
        self, name: RepositoryName, children: tuple[Descriptor, ...]
    ) -> None:
        """Raises ManifestInvalid if an index of ``children`` would be too deep."""
        await self._below(name, children, 1)

    async def _below(
        self, name: RepositoryName, children: tuple[Descriptor, ...], level: int
    ) -> int:
        """The levels of the indexes among ``children``, which stand at ``level``."""
        deepest = 0
        for child in children:
            if child.media_type in mediatype.INDEX_TYPES:
                if level >= self.limit:
                    raise self._too_deep()
                depth = await self._depth(name, child.digest, level + 1)
                if level + depth > self.limit:
                    raise self._too_deep()
                deepest = max(deepest, depth)
        return deepest

    async def _depth(self, name: RepositoryName, digest: Digest, level: int) -> int:
        """The levels of the index ``digest``, which stands at ``level``."""
        known = self._depths.get(digest)
        if known is not None:
            return known
        depth = 1 + await self._below(name, await self._children(name, digest), level)
        self._depths.put(digest, depth, 0)
        return depth

    async def _children(
        self, name: RepositoryName, digest: Digest
    ) -> tuple[Descriptor, ...]:
        """What the index lists; nothing where it is not here, or is no index."""
        try:
            stored = await self._revisions.find(name, digest)
            return parse_manifest(stored.body, stored.media_type).children
        except (ManifestUnknown, ManifestInvalid, Damaged):
            return ()

    def _too_deep(self) -> ManifestInvalid:
        return ManifestInvalid(
            f"indexes may lie inside each other {self.limit} levels deep here; list"
            " what they list instead"
        )
