"""Unfinished uploads: sessions that nobody has ended, to be found and to be removed.

A session that a request has just now stays, however old it is.
"""

from __future__ import annotations

import attrs

from registry.core.errors import UploadUnknown
from registry.core.name import RepositoryName
from registry.core.upload import SessionId
from registry.repository.blank import BlankSessions
from registry.repository.cache import Cache
from registry.repository.finished import finished
from registry.repository.links import names_or_none
from registry.repository.locks import Locks
from registry.repository.open_sessions import OpenSessions
from registry.repository.progress import Progress
from registry.repository.receiving import SessionKey
from registry.repository.started import format_started, is_torn, parse_started
from registry.storage.driver import Discard, Driver, Put
from registry.storage.layout import upload, upload_data, upload_started, uploads


@attrs.frozen(kw_only=True)
class UnfinishedUploads:
    """The sessions of all repositories."""

    driver: Driver
    locks: Locks
    live: Cache[SessionKey, Progress]
    begun: OpenSessions
    blanks: BlankSessions

    async def sessions(self, name: RepositoryName) -> list[str]:
        """The names of what stands where sessions do, and of those that are blank."""
        found = await names_or_none(self.driver, uploads(name))
        found = list(dict.fromkeys([*found, *self.blanks.of(name)]))
        self.begun.found(name, found)
        return found

    async def drop_half_made(self, name: RepositoryName, session: str) -> bool:
        """Remove what is left of a session that has no file for its bytes.

        Whether it was removed.
        """
        SessionId(session)
        if self.locks.is_held((name.text, session)):
            return False
        return await finished(self._drop_half_made(name, session))

    async def expire(
        self, name: RepositoryName, session: str, *, before: float, dry: bool = False
    ) -> bool:
        """Remove the session if it was started ``before``, in seconds of the epoch.

        Whether it was, or with ``dry`` would be. One whose start a power cut tore
        counts from now. Raises UploadUnknown if nothing says when it was started.
        """
        SessionId(session)
        if self.locks.is_held((name.text, session)):
            return False
        return await finished(self._expire(name, session, before, dry))

    async def _drop_half_made(self, name: RepositoryName, session: str) -> bool:
        async with self.locks.hold((name.text, session)):
            [size] = await self.driver.sizes([upload_data(name, session)])
            if size is None:
                await self.driver.apply([Discard(upload(name, session))])
                if self.blanks.find(name, session) is None:
                    self.begun.ended(name, session)
            return size is None

    async def _expire(
        self, name: RepositoryName, session: str, before: float, dry: bool
    ) -> bool:
        key, path = (name.text, session), upload_started(name, session)
        async with self.locks.hold(key):
            blank = self.blanks.find(name, session)
            if blank is not None:
                started = float(blank.started)
            else:
                started = await self._started(path, dry)
            if started >= before:
                return False
            if not dry:
                self.live.drop(key)
                if blank is None:
                    await self.driver.apply([Discard(upload(name, session))])
                self.blanks.end(name, session)
                self.begun.ended(name, session)
            return True

    async def _started(self, path: str, dry: bool) -> float:
        [content] = await self.driver.read_many([path])
        if content is None:
            raise UploadUnknown
        if not is_torn(content):
            return parse_started(path, content)
        now = self.blanks.now()
        if not dry:
            await self.driver.apply([Put(path, format_started(now))])
        return now
