"""Removal of a whole repository.

Exactly this one: ``a/b`` stays when ``a`` is removed. The tags go first, then the
manifests, then the blobs' links, so a crash leaves a smaller repository, never one
whose tags point at nothing. Bytes stay until the garbage is collected.

Our own extension; Distribution has no such request.
"""

from __future__ import annotations

import attrs

from registry.core.errors import NameUnknown
from registry.core.name import RepositoryName
from registry.repository.blobs import Blobs
from registry.repository.catalog import Catalog
from registry.repository.finished import finished
from registry.repository.links import names_or_none
from registry.repository.locks import Locks
from registry.repository.presence import Presence
from registry.repository.referrers import Referrers
from registry.repository.revisions import Revisions
from registry.repository.tags import Tags
from registry.repository.uploads import Uploads
from registry.storage.driver import Driver, Remove
from registry.storage.layout import (
    REPOSITORIES,
    layers,
    manifests,
    repository,
    tags,
    uploads,
)
from registry.storage.layout import revisions as revisions_place


@attrs.frozen(kw_only=True)
class Removal:
    """Removes repositories."""

    driver: Driver
    blobs: Blobs
    uploads: Uploads
    revisions: Revisions
    tags: Tags
    referrers: Referrers
    catalog: Catalog
    locks: Locks
    presence: Presence

    async def delete_repository(self, name: RepositoryName) -> None:
        """Remove ``name`` and the directories that are empty then.

        Raises NameUnknown.
        """
        await finished(self._delete(name))

    async def _delete(self, name: RepositoryName) -> None:
        async with self.locks.hold(name.text), self.presence.alone(name.text):
            if not await self.catalog.exists(name):
                await self.driver.settle()
                raise NameUnknown(detail={"name": name.text})
            try:
                await self._remove(name)
            finally:
                self._forget(name)
            gone = await self._prune(name.text)
        above = name.text.rpartition("/")[0]
        while gone and above:
            async with self.presence.alone(above):
                gone = await self._prune(above)
            above = above.rpartition("/")[0]

    async def _remove(self, name: RepositoryName) -> None:
        """Remove what is this repository's own: all that starts with ``_``."""
        place = repository(name)
        known = [tags(name), revisions_place(name), manifests(name), layers(name)]
        known.append(uploads(name))
        children = await names_or_none(self.driver, place)
        others = [f"{place}/{child}" for child in children if child.startswith("_")]
        paths = dict.fromkeys([*known, *others])
        await self.driver.apply([Remove(path) for path in paths])

    def _forget(self, name: RepositoryName) -> None:
        self.blobs.forget(name)
        self.uploads.forget(name)
        self.revisions.forget(name)
        self.tags.forget(name)
        self.referrers.forget(name)
        self.catalog.doubt(name)

    async def _prune(self, path: str) -> bool:
        """Remove the directory if it is empty; whether it was. Be alone there."""
        place = f"{REPOSITORIES}/{path}"
        if await names_or_none(self.driver, place):
            return False
        await self.driver.apply([Remove(place)])
        return True
