"""Upload sessions: content on its way to become a blob.

A session is a directory with what was received so far; before that it is blank, and
nothing is on disk. It outlives this process: only the state of the hashes is in memory,
and without it the file is read again at commit. One request at a time has a session;
others wait for it and then see its true offset.

Read next: ``receiving.py`` (one request that brings bytes), ``unfinished.py`` (sessions
that nobody ends).

Spec: distribution end-4a to end-6, end-13. Distribution's ``hashstates`` below a
session are neither read nor written, only removed with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from registry.core.digest import CANONICAL, Digest, new_hasher
from registry.core.errors import DigestInvalid, UploadUnknown
from registry.core.name import RepositoryName
from registry.core.upload import ChunkRange, SessionId
from registry.repository.beginning import Beginning, Beginnings
from registry.repository.blank import Blank, BlankSessions
from registry.repository.blobs import Blob, Blobs
from registry.repository.cache import Cache
from registry.repository.catalog import Catalog
from registry.repository.contents import Contents
from registry.repository.finished import finished
from registry.repository.locks import Locks
from registry.repository.open_sessions import OpenSessions
from registry.repository.presence import Presence
from registry.repository.progress import Progress
from registry.repository.receiving import (
    Receiver,
    Receiving,
    SessionKey,
)
from registry.repository.session_file import LOST
from registry.repository.started import parse_started
from registry.storage.driver import (
    Absent,
    Append,
    BytesDoubted,
    Change,
    Discard,
    Driver,
    Remove,
    StorageFailure,
)
from registry.storage.layout import (
    upload,
    upload_data,
    upload_started,
)


@attrs.frozen
class UploadStatus:
    """A session: ``offset`` bytes received.

    ``started`` is in seconds of the epoch, where it is known. ``blank`` is there as
    long as nothing is on disk.
    """

    id: str
    offset: int
    started: int | None
    blank: Blank | None = None

    @classmethod
    def without_bytes(cls, session: str, blank: Blank) -> UploadStatus:
        """Of a blank session."""
        return cls(session, 0, blank.started, blank)


class Uploads:
    """The upload sessions of all repositories.

    ``live`` keeps the hash states of the sessions used last. A session is files, or it
    is blank: then all about it is in ``blanks``, and in its client's Location.
    """

    def __init__(
        self,
        *,
        driver: Driver,
        contents: Contents,
        blobs: Blobs,
        locks: Locks,
        presence: Presence,
        catalog: Catalog,
        new_id: Callable[[], str],
        live: Cache[SessionKey, Progress],
        begun: OpenSessions,
        blanks: BlankSessions,
    ) -> None:
        self._driver = driver
        self._contents = contents
        self._blobs = blobs
        self._locks = locks
        self._beginnings = Beginnings(
            driver=driver,
            presence=presence,
            catalog=catalog,
            begun=begun,
            blanks=blanks,
        )
        self._blanks = blanks
        self._new_id = new_id
        self._live = live
        self._begun = begun

    async def start(
        self, name: RepositoryName, *, algorithm: str = CANONICAL
    ) -> UploadStatus:
        """A new, blank session, hashed with ``algorithm`` too.

        Raises DigestInvalid for an algorithm that is not supported, and TooManyRequests
        where too many are begun already.
        """
        new_hasher(algorithm)
        session = SessionId(self._new_id()).text
        await self._begun.begin(name, session)
        blank = self._blanks.begin(name, session, algorithm)
        return UploadStatus.without_bytes(session, blank)

    async def status(
        self, name: RepositoryName, session: str, *, told: Blank | None = None
    ) -> UploadStatus:
        """How far the session is, by its file, if it has one.

        ``told`` is what its client proves of it. Raises UploadUnknown.
        """
        SessionId(session)
        blank = self._blanks.find(name, session)
        if blank is not None:
            return UploadStatus.without_bytes(session, blank)
        path = upload_started(name, session)
        [started] = await self._driver.read_many([path])
        [size] = await self._driver.sizes([upload_data(name, session)])
        if size is None:
            blank = self._blanks.find(name, session, told=told)
            if blank is not None:
                return UploadStatus.without_bytes(session, blank)
        if started is None or size is None:
            raise UploadUnknown
        return UploadStatus(session, size, _readable(path, started))

    def receive(
        self,
        name: RepositoryName,
        session: str,
        *,
        chunk: ChunkRange | None,
        length: int | None,
        flush: bool,
        holds: int = 0,
        told: Blank | None = None,
    ) -> Receiving:
        """``async with`` it: a Receiver that appends, alone with the session.

        ``chunk`` is where the client says the bytes belong, ``length`` how many it
        announced. With ``flush``, or when the body breaks off, the bytes survive a
        power cut afterwards. Up to ``holds`` bytes are left to the commit, which then
        writes them. ``told`` is what the client proves of a blank session. Entering
        raises UploadUnknown, RangeInvalid, SizeInvalid, TooManyRequests.
        """
        SessionId(session)
        return Receiving(
            driver=self._driver,
            path=upload_data(name, session),
            beginning=self._beginning(name, session, told),
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

    async def cancel(
        self, name: RepositoryName, session: str, *, told: Blank | None = None
    ) -> None:
        """Give the session up. Raises UploadUnknown."""
        SessionId(session)
        await finished(self._cancel(name, session, told))

    def forget(self, name: RepositoryName) -> None:
        """``name`` was removed, with its sessions."""
        self._live.drop_where(lambda key: key[0] == name.text)
        self._blanks.forget(name)
        self._begun.forget(name)

    def _beginning(
        self, name: RepositoryName, session: str, told: Blank | None
    ) -> Beginning:
        return Beginning(among=self._beginnings, name=name, session=session, told=told)

    async def _commit(
        self,
        name: RepositoryName,
        session: str,
        digest: Digest,
        receiver: Receiver,
    ) -> Blob:
        data, discard = upload_data(name, session), Discard(upload(name, session))
        receiver.check_there()
        await receiver.end()
        then = [] if receiver.blank else [discard]
        try:
            progress = await self._hashed(data, digest.algorithm, receiver)
            blob = _ended(progress, digest, receiver.tail)
            first = self._placing(blob, data, receiver)
            await self._blobs.link(name, blob, first=first, then=then)
        except Absent:
            raise UploadUnknown from None
        except BytesDoubted:
            await self._driver.apply([Remove(upload(name, session))])
            self._ended(name, session)
            raise UploadUnknown(LOST) from None
        except DigestInvalid:
            await self._driver.apply(then)
            self._ended(name, session)
            raise
        self._ended(name, session)
        return blob

    def _placing(self, blob: Blob, data: str, receiver: Receiver) -> list[Change]:
        """What puts the bytes of a session, whose file is ``data``, where blobs are."""
        tail = receiver.tail
        if receiver.blank is not None:
            return self._contents.changes_to_put(b"".join(tail), blob.stored)
        placing = self._contents.changes_to_take(data, blob.stored)
        if tail:
            placing.insert(0, Append(data, blob.size - sum(map(len, tail)), tail))
        return placing

    def _ended(self, name: RepositoryName, session: str) -> None:
        self._blanks.end(name, session)
        self._begun.ended(name, session)

    async def _hashed(self, data: str, algorithm: str, receiver: Receiver) -> Progress:
        """The hash states of the session's file.

        The file is read again if they are gone, or are not those of its bytes. Where a
        tail is appended, the change itself makes sure of the size. A blank session has
        no file.
        """
        if receiver.blank is not None:
            return Progress.beginning([CANONICAL, algorithm])
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

    async def _cancel(
        self, name: RepositoryName, session: str, told: Blank | None
    ) -> None:
        async with self._locks.hold((name.text, session)):
            if self._blanks.find(name, session) is None:
                await self._remove(name, session, told)
            self._ended(name, session)

    async def _remove(
        self, name: RepositoryName, session: str, told: Blank | None
    ) -> None:
        [size] = await self._driver.sizes([upload_data(name, session)])
        if size is not None:
            self._live.drop((name.text, session))
            await self._driver.apply([Remove(upload(name, session))])
        elif self._blanks.find(name, session, told=told) is None:
            await self._driver.settle()
            raise UploadUnknown


def _readable(path: str, started: bytes) -> int | None:
    """The start, which a power cut may have torn before any bytes were confirmed."""
    try:
        return int(parse_started(path, started))
    except StorageFailure:
        return None


def _ended(progress: Progress, digest: Digest, tail: Sequence[bytes]) -> Blob:
    """The blob that a session and the rest of it become. Raises DigestInvalid."""
    for chunk in tail:
        for hasher in progress.hashers.values():
            hasher.update(chunk)
    progress.upload.received(sum(map(len, tail)))
    actual = progress.digest(digest.algorithm)
    progress.upload.committed(digest, actual, progress.upload.size)
    stored = progress.digest(CANONICAL)
    return Blob(digest=digest, stored=stored, size=progress.upload.size)
