"""A registry: its repositories, put together from a driver and some memory.

Start here to see who depends on whom. Everything below shares one set of locks and one
driver; nothing else is shared and nothing is global.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
from twisted.internet.interfaces import IReactorTime

from registry.core.name import RepositoryName
from registry.core.rules import ReferenceRules
from registry.repository.blobs import Blobs
from registry.repository.cache import OVERHEAD, Cache
from registry.repository.catalog import Catalog
from registry.repository.locks import Locks
from registry.repository.manifests import Manifests
from registry.repository.presence import Presence
from registry.repository.receiving import PROGRESS_COST
from registry.repository.referrers import Referrers
from registry.repository.removal import Removal
from registry.repository.revisions import Revisions
from registry.repository.sources import Sources
from registry.repository.tags import Tags
from registry.repository.uploads import Uploads
from registry.storage.driver import Driver
from registry.storage.workers import Workers

SMALL = 64 * 1024
"""Bytes up to which a blob may be kept in memory, unless told otherwise."""

LIVE = 1000
"""Upload sessions whose hash states are kept in memory, unless told otherwise."""


@attrs.frozen(kw_only=True)
class Registry:
    """All that can be asked of a registry, without the wire."""

    blobs: Blobs
    uploads: Uploads
    manifests: Manifests
    tags: Tags
    referrers: Referrers
    catalog: Catalog
    removal: Removal

    async def delete_repository(self, name: RepositoryName) -> None:
        """Remove a whole repository. Raises NameUnknown."""
        await self.removal.delete_repository(name)


def build_registry(
    *,
    driver: Driver,
    workers: Workers,
    rules: ReferenceRules,
    clock: IReactorTime,
    new_id: Callable[[], str],
    cache_bytes: int,
    small_limit: int = SMALL,
    live_limit: int = LIVE,
) -> Registry:
    """A registry on ``driver`` that keeps up to ``cache_bytes`` in memory.

    Half is for small blobs, a quarter for manifests, a quarter for who holds what.
    ``new_id`` makes the UUID of an upload session.
    """
    share = cache_bytes // 16
    locks, presence = Locks(), Presence()
    catalog = Catalog(driver=driver)
    blobs = Blobs(
        driver=driver,
        known=Cache(limit=share),
        contents=Cache(limit=8 * share),
        locks=locks,
        presence=presence,
        catalog=catalog,
        sources=Sources(driver=driver, catalog=catalog),
        small_limit=small_limit,
    )
    uploads = Uploads(
        driver=driver,
        blobs=blobs,
        locks=locks,
        presence=presence,
        catalog=catalog,
        clock=clock,
        new_id=new_id,
        live=Cache(limit=live_limit * (PROGRESS_COST + OVERHEAD)),
    )
    tags = Tags(
        driver=driver,
        targets=Cache(limit=share),
        listings=Cache(limit=share),
        locks=locks,
        catalog=catalog,
    )
    referrers = Referrers(driver=driver, indexes=Cache(limit=share), locks=locks)
    revisions = Revisions(driver=driver, stored=Cache(limit=4 * share))
    manifests = Manifests(
        driver=driver,
        revisions=revisions,
        blobs=blobs,
        tags=tags,
        referrers=referrers,
        catalog=catalog,
        rules=rules,
        locks=locks,
        presence=presence,
        workers=workers,
    )
    removal = Removal(
        driver=driver,
        blobs=blobs,
        revisions=revisions,
        tags=tags,
        referrers=referrers,
        catalog=catalog,
        locks=locks,
        presence=presence,
    )
    return Registry(
        blobs=blobs,
        uploads=uploads,
        manifests=manifests,
        tags=tags,
        referrers=referrers,
        catalog=catalog,
        removal=removal,
    )
