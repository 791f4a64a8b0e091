"""Receiving: one request that appends to an upload session.

Follow one PATCH: ``uploads.py`` makes a Receiving; entering it takes the session's
lock, opens its file and checks the chunk against the true offset; the Receiver then
appends; leaving it closes the file and lets the next request in. A last PUT commits
before it leaves, so that nobody can append in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from registry.core.digest import CANONICAL
from registry.core.errors import SizeInvalid, UploadUnknown
from registry.core.upload import ChunkRange, check_chunk
from registry.repository.beginning import Beginning
from registry.repository.blank import Blank
from registry.repository.cache import Cache
from registry.repository.finished import finished
from registry.repository.locks import Hold
from registry.repository.progress import Progress
from registry.repository.session_file import SessionFile
from registry.storage.driver import Appender, Driver

PROGRESS_COST = 1000
"""Bytes of memory that the hash states of a session take."""

COMMITTED_ALONE = 1024 * 1024
"""Bytes of an upload from which on it is flushed before its commit."""

SessionKey = tuple[str, str]
"""Repository and session."""


class Receiver:
    """The open end of an upload session that holds ``size`` bytes.

    ``expected`` is the number of bytes that the client announced, if it did. Up to
    ``holds`` bytes are kept for the commit, which then writes them in the same turn as
    all else; more, and everything is written as it comes. A session that was ``blank``
    gets its files with the first bytes that are written.
    """

    def __init__(
        self,
        *,
        file: SessionFile,
        beginning: Beginning,
        blank: Blank | None,
        size: int,
        progress: Progress | None,
        expected: int | None,
        holds: int,
    ) -> None:
        self._file = file
        self._beginning = beginning
        self.blank = blank
        self._is_begun = False
        self._start = self._written = size
        self._expected = expected
        self._holds = holds
        self._held: list[bytes] = []
        self._held_size = 0
        self.progress = progress
        self.is_over = False

    @property
    def offset(self) -> int:
        """Bytes that the session holds, with those that are kept for the commit."""
        return self._written + self._held_size

    @property
    def tail(self) -> tuple[bytes, ...]:
        """What the commit has to write."""
        return tuple(self._held)

    async def append(self, chunks: Sequence[bytes]) -> int:
        """Take ``chunks`` in at the end; the new offset. One call at a time.

        Raises StorageFailure, and SizeInvalid for more than was announced.
        """
        size = sum(map(len, chunks))
        total = self.offset - self._start + size
        if self._expected is not None and total > self._expected:
            raise self._contradiction()
        self._held += chunks
        self._held_size += size
        if self._held_size > self._holds:
            await self.write()
        return self.offset

    async def write(self) -> None:
        """Write all that is held."""
        if self._held_size:
            await finished(self._write())

    async def confirm(self) -> None:
        """Make durable that the session was begun here, if it was."""
        if self._is_begun:
            await self._beginning.confirm()

    def check_complete(self) -> None:
        """Raises SizeInvalid if less came than was announced."""
        if self._expected not in (None, self.offset - self._start):
            raise self._contradiction()

    def check_there(self) -> None:
        """Raises UploadUnknown if the session was blank and was removed meanwhile."""
        if self.blank is not None:
            self._beginning.check(self.blank)

    async def end(self) -> None:
        """Let go of the file, for it is about to become a blob.

        A large one is flushed here: a commit that does it holds others up. From now on
        the file alone tells what the session holds.
        """
        self.is_over = True
        await self._file.close(flush=self.offset > COMMITTED_ALONE)

    async def _open(self) -> Appender:
        blank = self.blank
        if blank is None:
            return await self._file.open()
        appender = await self._file.begin(lambda: self._beginning.lay_down(blank))
        self.blank, self._is_begun = None, True
        return appender

    async def _write(self) -> None:
        appender = await self._open()
        held, self._held, self._held_size = self._held, [], 0
        progress, self.progress = self.progress, None
        hashers = [] if progress is None else list(progress.hashers.values())
        before = self._written
        try:
            self._written = await appender.append(held, hashers)
        finally:
            self._written = appender.size
        if progress is not None:
            progress.upload.received(self._written - before)
            self.progress = progress

    def _contradiction(self) -> SizeInvalid:
        return SizeInvalid(
            f"the chunk does not have the {self._expected} bytes that were announced;"
            f" the upload holds {self.offset} bytes, continue there"
        )


class Receiving:
    """``async with`` it for a Receiver; alone with the session from start to end."""

    def __init__(
        self,
        *,
        driver: Driver,
        path: str,
        beginning: Beginning,
        key: SessionKey,
        hold: Hold,
        live: Cache[SessionKey, Progress],
        chunk: ChunkRange | None,
        length: int | None,
        flush: bool,
        holds: int,
    ) -> None:
        self._file = SessionFile(driver=driver, path=path)
        self._beginning = beginning
        self._key = key
        self._hold = hold
        self._live = live
        self._chunk = chunk
        self._length = length
        self._flush = flush
        self._holds = holds
        self._receiver: Receiver | None = None

    async def __aenter__(self) -> Receiver:
        await self._hold.__aenter__()
        try:
            self._receiver = await finished(self._open())
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self._receiver

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await finished(self._close(broken=error is not None))
        finally:
            await self._hold.__aexit__(kind, error, trace)
        receiver = self._receiver
        if error is None and receiver is not None and not receiver.is_over:
            receiver.check_complete()

    async def _open(self) -> Receiver:
        """Check the chunk against the true offset, which a live session remembers."""
        progress = self._live.get(self._key)
        blank = self._beginning.find()
        if progress is not None and self._holds:
            size = progress.upload.size
        elif blank is None and (blank := await self._measure()) is None:
            size = (await self._file.open()).size
            progress = self._progress(size)
        if blank is not None:
            size, progress = 0, Progress.beginning([CANONICAL, blank.algorithm])
        check_chunk(offset=size, chunk=self._chunk, length=self._length)
        return Receiver(
            file=self._file,
            beginning=self._beginning,
            blank=blank,
            size=size,
            progress=progress,
            expected=self._announced(),
            holds=self._holds,
        )

    async def _measure(self) -> Blank | None:
        """The session if it is blank after all; else its file is open."""
        try:
            await self._file.open()
        except UploadUnknown:
            blank = await self._beginning.recall()
            if blank is None:
                raise
            return blank
        return None

    async def _close(self, *, broken: bool) -> None:
        """A body that broke off is written and flushed, so that its offset is true."""
        receiver = self._receiver
        if receiver is None:
            await self._file.close(flush=False)
        elif receiver.is_over:
            self._live.drop(self._key)
        else:
            await self._close_open(receiver, broken)

    async def _close_open(self, receiver: Receiver, broken: bool) -> None:
        try:
            await receiver.write()
            await receiver.confirm()
        finally:
            self._remember(receiver.progress)
            await self._flush_file(broken)

    async def _flush_file(self, broken: bool) -> None:
        """Close the file, and forget a session that was removed meanwhile."""
        try:
            await self._file.close(flush=self._flush or broken)
        except UploadUnknown:
            self._live.drop(self._key)
            raise

    def _progress(self, size: int) -> Progress | None:
        """The hash states of exactly ``size`` bytes, if there are any."""
        progress = self._live.get(self._key)
        if progress is not None and progress.upload.size == size:
            return progress
        return None if size else Progress.beginning([CANONICAL])

    def _remember(self, progress: Progress | None) -> None:
        if progress is None or not progress.upload.size:
            self._live.drop(self._key)
        else:
            self._live.put(self._key, progress, PROGRESS_COST)

    def _announced(self) -> int | None:
        if self._chunk is None:
            return self._length
        return self._chunk.last - self._chunk.first + 1
