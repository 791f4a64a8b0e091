"""Upload purging: upload sessions that were begun and never finished are removed.

A session goes when its ``startedat`` is older than the age that is allowed. These stay:

- a session that a request has at that moment, however old it is;
- a session without ``startedat``: nothing says how old it is, and a session that is
  being started looks the same for a moment. Distribution keeps them too;
- a session whose ``startedat`` holds no time; the log names it.

It goes on while the registry serves, one session after the other, and every ``STEP`` of
them everything else gets its turn. Ended half-way, it has removed whole sessions only.
A read-only registry purges as well, as Distribution does: no content is changed.

Source: Distribution ``registry/storage/purgeuploads.go``.
"""

from __future__ import annotations

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from registry.core.errors import UploadUnknown
from registry.core.name import RepositoryName
from registry.repository.catalog import Catalog
from registry.repository.links import batches
from registry.repository.unfinished import UnfinishedUploads
from registry.storage.driver import StorageFailure

STEP = 50
"""Sessions that are looked at in one turn of the reactor."""


@attrs.define
class Purge:
    """What one run did: numbers of sessions."""

    removed: int = 0
    kept: int = 0
    undated: int = 0
    failed: int = 0


class UploadPurger:
    """Removes the sessions that are older than ``age`` seconds.

    With ``is_dry`` it only logs which those are.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        unfinished: UnfinishedUploads,
        clock: IReactorTime,
        age: float,
        is_dry: bool = False,
    ) -> None:
        self._catalog = catalog
        self._unfinished = unfinished
        self._clock = clock
        self._age = age
        self._is_dry = is_dry
        self._log = Logger()

    async def run(self) -> None:
        """Purge, and log what was done."""
        done = await self.purge()
        self._log.info(
            "upload purging{dry}: {removed} removed, {kept} kept, {undated} kept for"
            " want of a time of start, {failed} failed",
            dry=" (dry run)" if self._is_dry else "",
            **attrs.asdict(done),
        )

    async def purge(self) -> Purge:
        """Look at every session once. Raises StorageFailure if none can be listed."""
        done, before = Purge(), self._clock.seconds() - self._age
        for name in await self._catalog.holders():
            await self._give_way()
            for some in batches(await self._unfinished.sessions(name), STEP):
                for session in some:
                    await self._judge(name, session, before, done)
                await self._give_way()
        return done

    async def _judge(
        self, name: RepositoryName, session: str, before: float, done: Purge
    ) -> None:
        tell = {"session": session, "repository": name.text}
        try:
            if not await self._unfinished.expire(
                name, session, before=before, dry=self._is_dry
            ):
                done.kept += 1
                return
        except UploadUnknown:
            done.undated += 1
        except StorageFailure as error:
            done.failed += 1
            self._log.warn(
                "the upload {session} in {repository} is kept: {why}", why=error, **tell
            )
        else:
            done.removed += 1
            self._log.info(self._verdict, **tell)

    @property
    def _verdict(self) -> str:
        done = "would be" if self._is_dry else "was"
        return "the upload {session} in {repository} " + done + " removed: too old"

    async def _give_way(self) -> None:
        await deferLater(self._clock, 0)
