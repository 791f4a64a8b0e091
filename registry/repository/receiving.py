"""Receiving: one request that appends to an upload session.

Follow one PATCH: ``uploads.py`` makes a Receiving; entering it takes the session's
lock, opens its file and checks the chunk against the true offset; the Receiver then
appends; leaving it closes the file and lets the next request in.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from registry.core.digest import CANONICAL
from registry.core.errors import SizeInvalid, UploadUnknown
from registry.core.upload import ChunkRange, check_chunk
from registry.repository.cache import Cache
from registry.repository.finished import finished
from registry.repository.locks import Hold
from registry.repository.progress import Progress
from registry.storage.driver import Absent, Appender, Driver

PROGRESS_COST = 1000
"""Bytes of memory that the hash states of a session take."""

SessionKey = tuple[str, str]
"""Repository and session."""


class Receiver:
    """The open end of an upload session.

    ``expected`` is the number of bytes that the client announced, if it did.
    """

    def __init__(
        self, *, appender: Appender, progress: Progress | None, expected: int | None
    ) -> None:
        self._appender = appender
        self._start = appender.size
        self._expected = expected
        self.progress = progress

    @property
    def offset(self) -> int:
        """Bytes that the session holds."""
        return self._appender.size

    async def append(self, chunks: Sequence[bytes]) -> int:
        """Write ``chunks`` at the end; the new offset. One call at a time.

        Raises StorageFailure, and SizeInvalid for more than was announced.
        """
        total = self.offset - self._start + sum(map(len, chunks))
        if self._expected is not None and total > self._expected:
            raise self._contradiction()
        return await finished(self._append(chunks))

    def check_complete(self) -> None:
        """Raises SizeInvalid if less came than was announced."""
        if self._expected not in (None, self.offset - self._start):
            raise self._contradiction()

    async def _append(self, chunks: Sequence[bytes]) -> int:
        progress, self.progress = self.progress, None
        hashers = [] if progress is None else list(progress.hashers.values())
        before = self.offset
        offset = await self._appender.append(chunks, hashers)
        if progress is not None:
            progress.upload.received(offset - before)
            self.progress = progress
        return offset

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
        key: SessionKey,
        hold: Hold,
        live: Cache[SessionKey, Progress],
        chunk: ChunkRange | None,
        length: int | None,
        flush: bool,
    ) -> None:
        self._driver = driver
        self._path = path
        self._key = key
        self._hold = hold
        self._live = live
        self._chunk = chunk
        self._length = length
        self._flush = flush
        self._appender: Appender | None = None
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
        if error is None and self._receiver is not None:
            self._receiver.check_complete()

    async def _open(self) -> Receiver:
        try:
            appender = await self._driver.append_to(self._path)
        except Absent:
            raise UploadUnknown from None
        self._appender = appender
        check_chunk(offset=appender.size, chunk=self._chunk, length=self._length)
        return Receiver(
            appender=appender,
            progress=self._progress(appender.size),
            expected=self._announced(),
        )

    async def _close(self, *, broken: bool) -> None:
        """A body that broke off is flushed, so that its offset stays true."""
        if self._appender is None:
            return
        if self._receiver is not None:
            self._remember(self._receiver.progress)
        wrote = self._receiver is not None
        await self._appender.close(flush=wrote and (self._flush or broken))

    def _progress(self, size: int) -> Progress | None:
        """The hash states of exactly ``size`` bytes, if there are any."""
        progress = self._live.get(self._key)
        if progress is not None and progress.upload.size == size:
            return progress
        return None if size else Progress.beginning([CANONICAL])

    def _remember(self, progress: Progress | None) -> None:
        if progress is None:
            self._live.drop(self._key)
        else:
            self._live.put(self._key, progress, PROGRESS_COST)

    def _announced(self) -> int | None:
        if self._chunk is None:
            return self._length
        return self._chunk.last - self._chunk.first + 1
