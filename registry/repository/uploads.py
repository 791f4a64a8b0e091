"""Upload sessions: content on its way to become a blob.

A session is a directory with what was received so far. It outlives this process: only
the state of the hashes is in memory, and without it the file is read again at commit.
One request at a time has a session; others wait for it and then see its true offset.

Spec: distribution end-4a to end-6, end-13. Distribution's ``hashstates`` below a
session are neither read nor written, only removed with it.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
from twisted.internet.interfaces import IReactorTime

from registry.core.digest import CANONICAL, Digest
from registry.core.errors import DigestInvalid, UploadUnknown
from registry.core.name import RepositoryName
from registry.core.upload import ChunkRange, SessionId
from registry.repository.blobs import Blob, Blobs
from registry.repository.cache import Cache
from registry.repository.catalog import Catalog
from registry.repository.finished import finished
from registry.repository.links import names_or_none
from registry.repository.locks import Locks
from registry.repository.open_sessions import OpenSessions
from registry.repository.presence import Presence
from registry.repository.progress import Progress
from registry.repository.receiving import (
    PROGRESS_COST,
    Receiver,
    Receiving,
    SessionKey,
)
from registry.repository.started import format_started, parse_started
from registry.storage.driver import (
    Absent,
    Append,
    Change,
    Create,
    Discard,
    Driver,
    Move,
    Put,
    Remove,
)
from registry.storage.layout import (
    blob_data,
    upload,
    upload_data,
    upload_started,
    uploads,
)


@attrs.frozen
class UploadStatus:
    """A session: ``offset`` bytes received; ``started`` in seconds of the epoch."""

    id: str
    offset: int
    started: float


class Uploads:
    """The upload sessions of all repositories.

    ``live`` keeps the hash states of the sessions used last.
    """

    def __init__(
        self,
        *,
        driver: Driver,
        blobs: Blobs,
        locks: Locks,
        presence: Presence,
        catalog: Catalog,
        clock: IReactorTime,
        new_id: Callable[[], str],
        live: Cache[SessionKey, Progress],
        begun: OpenSessions,
    ) -> None:
        self._driver = driver
        self._blobs = blobs
        self._locks = locks
        self._presence = presence
        self._catalog = catalog
        self._clock = clock
        self._new_id = new_id
        self._live = live
        self._begun = begun

    async def start(
        self, name: RepositoryName, *, algorithm: str = CANONICAL
    ) -> UploadStatus:
        """A new, empty session, hashed with ``algorithm`` too.

        Raises DigestInvalid for an algorithm that is not supported, and TooManyRequests
        where too many are begun already.
        """
        progress = Progress.beginning([CANONICAL, algorithm])
        session = SessionId(self._new_id()).text
        await self._begun.begin(name, session)
        try:
            return await finished(self._start(name, session, progress))
        except BaseException:
            self._begun.ended(name, session)
            raise

    async def status(self, name: RepositoryName, session: str) -> UploadStatus:
        """How far the session is, by its file. Raises UploadUnknown."""
        SessionId(session)
        path = upload_started(name, session)
        [started] = await self._driver.read_many([path])
        [size] = await self._driver.sizes([upload_data(name, session)])
        if started is None or size is None:
            raise UploadUnknown
        return UploadStatus(session, size, parse_started(path, started))

    def receive(
        self,
        name: RepositoryName,
        session: str,
        *,
        chunk: ChunkRange | None,
        length: int | None,
        flush: bool,
        holds: int = 0,
    ) -> Receiving:
        """``async with`` it: a Receiver that appends, alone with the session.

        ``chunk`` is where the client says the bytes belong, ``length`` how many it
        announced. With ``flush``, or when the body breaks off, the bytes survive a
        power cut afterwards. Up to ``holds`` bytes are left to the commit, which then
        writes them. Entering raises UploadUnknown, RangeInvalid, SizeInvalid.
        """
        SessionId(session)
        return Receiving(
            driver=self._driver,
            path=upload_data(name, session),
            key=(name.text, session),
            hold=self._locks.hold((name.text, session)),
            live=self._live,
            chunk=chunk,
            length=length,
            flush=flush,
            holds=holds,
        )

    async def commit(
        self,
        name: RepositoryName,
        session: str,
        digest: Digest,
        *,
        receiver: Receiver,
    ) -> Blob:
        """Make a blob of the session, whose ``receiver`` is open and gets no more.

        The session ends with it, and also if the content does not have ``digest``:
        then nothing is left of it. Raises SizeInvalid for less than was announced,
        DigestInvalid, UploadUnknown.
        """
        receiver.check_complete()
        return await finished(self._commit(name, session, digest, receiver))

    async def cancel(self, name: RepositoryName, session: str) -> None:
        """Give the session up. Raises UploadUnknown."""
        SessionId(session)
        await finished(self._cancel(name, session))

    async def _start(
        self, name: RepositoryName, session: str, progress: Progress
    ) -> UploadStatus:
        started = int(self._clock.seconds())
        content = format_started(started)
        async with self._presence.within(name):
            await self._driver.apply(
                [
                    Put(upload_started(name, session), content),
                    Create(upload_data(name, session)),
                ]
            )
            self._catalog.appeared(name)
        self._live.put((name.text, session), progress, PROGRESS_COST)
        return UploadStatus(session, 0, float(started))

    async def _commit(
        self,
        name: RepositoryName,
        session: str,
        digest: Digest,
        receiver: Receiver,
    ) -> Blob:
        data, discard = upload_data(name, session), Discard(upload(name, session))
        await receiver.end()
        try:
            progress = await self._hashed(data, digest.algorithm, receiver)
            append = Append(data, progress.upload.size, receiver.tail)
            blob = _ended(progress, digest, append)
            first: list[Change] = [Move(data, blob_data(blob.stored))]
            if append.chunks:
                first.insert(0, append)
            await self._blobs.link(name, blob, first=first, then=[discard])
        except Absent:
            raise UploadUnknown from None
        except DigestInvalid:
            await self._driver.apply([discard])
            self._begun.ended(name, session)
            raise
        self._begun.ended(name, session)
        return blob

    async def _hashed(self, data: str, algorithm: str, receiver: Receiver) -> Progress:
        """The hash states of the session's file.

        The file is read again if they are gone, or are not those of its bytes. Where a
        tail is appended, the change itself makes sure of the size.
        """
        progress = receiver.progress
        if progress is not None and not receiver.tail:
            [size] = await self._driver.sizes([data])
            if size != progress.upload.size:
                progress = None
        if progress is not None and algorithm in progress.hashers:
            return progress
        progress = Progress.beginning([CANONICAL, algorithm])
        hashers = list(progress.hashers.values())
        progress.upload.received(await self._driver.digest_of(data, hashers))
        return progress

    async def _cancel(self, name: RepositoryName, session: str) -> None:
        key = (name.text, session)
        async with self._locks.hold(key):
            [size] = await self._driver.sizes([upload_data(name, session)])
            if size is None:
                raise UploadUnknown
            self._live.drop(key)
            await self._driver.apply([Remove(upload(name, session))])
            self._begun.ended(name, session)

    async def sessions(self, name: RepositoryName) -> list[str]:
        """The names of what stands where sessions do."""
        found = await names_or_none(self._driver, uploads(name))
        self._begun.found(name, found)
        return found

    async def expire(
        self, name: RepositoryName, session: str, *, before: float, dry: bool = False
    ) -> bool:
        """Remove the session if it was started ``before``, in seconds of the epoch.

        Whether it was, or with ``dry`` would be. One that a request has just now stays.
        Raises UploadUnknown if nothing says when it was started.
        """
        SessionId(session)
        if self._locks.is_held((name.text, session)):
            return False
        return await finished(self._expire(name, session, before, dry))

    async def _expire(
        self, name: RepositoryName, session: str, before: float, dry: bool
    ) -> bool:
        key, path = (name.text, session), upload_started(name, session)
        async with self._locks.hold(key):
            [started] = await self._driver.read_many([path])
            if started is None:
                raise UploadUnknown
            if parse_started(path, started) >= before:
                return False
            if not dry:
                self._live.drop(key)
                await self._driver.apply([Discard(upload(name, session))])
                self._begun.ended(name, session)
            return True


def _ended(progress: Progress, digest: Digest, tail: Append) -> Blob:
    """The blob that a session and the rest of it become. Raises DigestInvalid."""
    for chunk in tail.chunks:
        for hasher in progress.hashers.values():
            hasher.update(chunk)
    progress.upload.received(tail.length)
    actual = progress.digest(digest.algorithm)
    progress.upload.committed(digest, actual, progress.upload.size)
    stored = progress.digest(CANONICAL)
    return Blob(digest=digest, stored=stored, size=progress.upload.size)
