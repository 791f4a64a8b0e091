"""Sources: which repositories a blob could be mounted from."""

from __future__ import annotations

from collections.abc import Sequence

from registry.core.digest import Digest
from registry.core.name import RepositoryName
from registry.repository.catalog import Catalog
from registry.storage.driver import Driver
from registry.storage.layout import blob_data, layer_link


class Sources:
    """Finds who holds a blob. The links are the truth, so it looks at all of them."""

    def __init__(self, *, driver: Driver, catalog: Catalog) -> None:
        self._driver = driver
        self._catalog = catalog

    async def of(self, digest: Digest) -> Sequence[RepositoryName]:
        """All repositories with a link to ``digest``."""
        if digest.is_canonical and not await self._exists(digest):
            # most blobs that clients try to mount are new: spare them the links
            return []
        names = await self._catalog.holders()
        sizes = await self._driver.sizes([layer_link(name, digest) for name in names])
        pairs = zip(names, sizes, strict=True)
        return [name for name, size in pairs if size is not None]

    async def _exists(self, digest: Digest) -> bool:
        [size] = await self._driver.sizes([blob_data(digest)])
        return size is not None
