"""A registry: its repositories, put together from a driver and some memory.

Start here to see who depends on whom. All parts share what is in ``Shared``; nothing
else is shared and nothing is global.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable

import attrs
from twisted.internet.interfaces import IReactorTime

from registry.core.document import DEPTH_LIMIT
from registry.core.name import RepositoryName
from registry.core.rules import ReferenceRules
from registry.repository.blank import BlankSessions
from registry.repository.blobs import Blobs
from registry.repository.cache import OVERHEAD, Cache
from registry.repository.catalog import Catalog
from registry.repository.contents import Contents
from registry.repository.links import names_or_none
from registry.repository.locks import Locks
from registry.repository.manifests import Manifests
from registry.repository.mending import Mending
from registry.repository.nesting import Nesting
from registry.repository.open_sessions import OpenSessions
from registry.repository.presence import Presence
from registry.repository.progress import Progress
from registry.repository.quarantine import Quarantine
from registry.repository.receiving import PROGRESS_COST, SessionKey
from registry.repository.referrers import Referrers
from registry.repository.removal import Removal
from registry.repository.revisions import Revisions
from registry.repository.room import Reserve, Room
from registry.repository.sources import Sources
from registry.repository.tags import Tags
from registry.repository.unfinished import UnfinishedUploads
from registry.repository.uploads import Uploads
from registry.repository.verified import Verified
from registry.storage.driver import Driver
from registry.storage.layout import uploads as uploads_of
from registry.storage.workers import Workers

SMALL = 64 * 1024
"""Bytes up to which a blob may be kept in memory, unless told otherwise."""

VERIFIED = 8 * 1024 * 1024
"""Bytes of memory for what content was found true, and when."""

WEEK = 7 * 24 * 3600.0

LIVE = 1000
"""Upload sessions whose hash states are kept in memory, unless told otherwise."""

NO_RESERVE = Reserve()


@attrs.frozen(kw_only=True)
class Registry:
    """All that can be asked of a registry, without the wire."""

    contents: Contents
    verified: Verified
    quarantine: Quarantine
    mending: Mending
    blobs: Blobs
    uploads: Uploads
    unfinished: UnfinishedUploads
    manifests: Manifests
    tags: Tags
    referrers: Referrers
    catalog: Catalog
    removal: Removal
    room: Room
    begun: OpenSessions

    async def delete_repository(self, name: RepositoryName) -> None:
        """Remove a whole repository. Raises NameUnknown."""
        await self.removal.delete_repository(name)


@attrs.frozen(kw_only=True)
class Shared:
    """What every part of one registry has in common.

    ``share`` is a sixteenth of the bytes that may be kept in memory.
    """

    driver: Driver
    locks: Locks
    presence: Presence
    catalog: Catalog
    contents: Contents
    verified: Verified
    quarantine: Quarantine
    share: int


def build_registry(
    *,
    driver: Driver,
    workers: Workers,
    rules: ReferenceRules,
    clock: IReactorTime,
    new_id: Callable[[], str],
    cache_bytes: int,
    entries: int | None = None,
    small_limit: int = SMALL,
    live_limit: int = LIVE,
    begun_limit: float = math.inf,
    begun_share: float = math.inf,
    json_depth: int = DEPTH_LIMIT,
    reserve: Reserve = NO_RESERVE,
    verified_age: float = WEEK,
) -> Registry:
    """A registry on ``driver`` that keeps up to ``cache_bytes`` in memory.

    Of sixteen shares, six are for small blobs, four for manifests, one each for links
    of blobs, sizes of blobs, sizes that manifests tell, tags, lists of tags, and
    referrers. Of links and of sizes at most ``entries`` each are kept; None or 0 sets
    no such bound. ``new_id`` makes the UUID of an upload session, of which
    ``begun_limit`` may be unfinished, and ``begun_share`` in one repository.
    ``json_depth`` bounds what nests in a manifest. ``reserve`` is what pushes leave
    free. Content is found true for ``verified_age`` seconds.
    """
    blanks = BlankSessions(now=clock.seconds, run=secrets.token_hex(4))

    async def listed(name: RepositoryName) -> list[str]:
        return await names_or_none(driver, uploads_of(name)) + blanks.of(name)

    begun = OpenSessions(
        listed=listed,
        limit=begun_limit,
        share=begun_share,
    )
    seconds = clock.seconds
    share = cache_bytes // 16
    quarantine = Quarantine(driver=driver, seconds=seconds, new_id=new_id)
    verified = Verified(times=Cache(limit=VERIFIED), seconds=seconds, age=verified_age)
    shared = Shared(
        driver=driver,
        locks=Locks(),
        presence=Presence(),
        catalog=Catalog(driver=driver, blanks=blanks),
        contents=Contents(
            driver=driver,
            quarantine=quarantine,
            verified=verified,
            expected=Cache(limit=share),
        ),
        verified=verified,
        quarantine=quarantine,
        share=share,
    )
    blobs = _blobs(shared, small_limit=small_limit, entries=entries or None)
    live: Cache[SessionKey, Progress] = Cache(
        limit=live_limit * (PROGRESS_COST + OVERHEAD)
    )
    uploads = Uploads(
        driver=driver,
        contents=shared.contents,
        blobs=blobs,
        locks=shared.locks,
        presence=shared.presence,
        catalog=shared.catalog,
        new_id=new_id,
        live=live,
        begun=begun,
        blanks=blanks,
    )
    unfinished = UnfinishedUploads(
        driver=driver, locks=shared.locks, live=live, begun=begun, blanks=blanks
    )
    return _registry(
        shared,
        blobs=blobs,
        uploads=uploads,
        unfinished=unfinished,
        begun=begun,
        rules=rules,
        workers=workers,
        json_depth=json_depth,
        room=Room(driver=driver, clock=clock, reserve=reserve),
    )


def _blobs(shared: Shared, *, small_limit: int, entries: int | None) -> Blobs:
    return Blobs(
        driver=shared.driver,
        known=Cache(limit=shared.share, entries=entries),
        sizes=Cache(limit=shared.share, entries=entries),
        contents=Cache(limit=6 * shared.share),
        locks=shared.locks,
        presence=shared.presence,
        catalog=shared.catalog,
        sources=Sources(driver=shared.driver, catalog=shared.catalog),
        stored=shared.contents,
        verified=shared.verified,
        small_limit=small_limit,
    )


def _tags(shared: Shared) -> Tags:
    return Tags(
        driver=shared.driver,
        targets=Cache(limit=shared.share),
        listings=Cache(limit=shared.share),
        locks=shared.locks,
        catalog=shared.catalog,
    )


def _registry(
    shared: Shared,
    *,
    blobs: Blobs,
    uploads: Uploads,
    unfinished: UnfinishedUploads,
    begun: OpenSessions,
    rules: ReferenceRules,
    workers: Workers,
    json_depth: int,
    room: Room,
) -> Registry:
    """What hangs on manifests, and all of it together."""
    driver, locks, catalog = shared.driver, shared.locks, shared.catalog
    tags = _tags(shared)
    contents = shared.contents
    revisions = Revisions(
        driver=driver, stored=Cache(limit=4 * shared.share), contents=contents
    )
    referrers = Referrers(
        driver=driver,
        indexes=Cache(limit=shared.share),
        locks=locks,
        contents=contents,
    )
    contents.lost += [blobs.rewritten, revisions.lost, referrers.lost]
    manifests = Manifests(
        driver=driver,
        contents=contents,
        revisions=revisions,
        blobs=blobs,
        tags=tags,
        referrers=referrers,
        catalog=catalog,
        rules=rules,
        locks=locks,
        presence=shared.presence,
        workers=workers,
        nesting=Nesting(revisions=revisions, limit=rules.index_depth),
        json_depth=json_depth,
    )
    removal = Removal(
        driver=driver,
        blobs=blobs,
        uploads=uploads,
        revisions=revisions,
        tags=tags,
        referrers=referrers,
        catalog=catalog,
        locks=locks,
        presence=shared.presence,
    )
    mending = Mending(
        driver=driver,
        contents=contents,
        blobs=blobs,
        revisions=revisions,
        tags=tags,
        referrers=referrers,
        catalog=catalog,
        locks=locks,
        presence=shared.presence,
    )
    return Registry(
        mending=mending,
        contents=contents,
        verified=shared.verified,
        quarantine=shared.quarantine,
        blobs=blobs,
        uploads=uploads,
        unfinished=unfinished,
        manifests=manifests,
        tags=tags,
        referrers=referrers,
        catalog=catalog,
        removal=removal,
        room=room,
        begun=begun,
    )
