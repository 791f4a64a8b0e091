"""The growing end of an upload's file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from registry.core.digest import Hasher
from registry.storage.disk import IOV_MAX
from registry.storage.openfile import OpenFile
from registry.storage.workers import Workers

Flush = Callable[[OpenFile], None]
"""Makes a file durable, with its name and the directories above it."""

WRITE_EARLY = 1 * 1024 * 1024
"""Bytes after which the disk is asked to begin with them."""


class FileAppender:
    """Writes at the end of ``file`` and hashes, in one worker turn per append.

    Nothing is kept, and only a chunk that the disk took in part is copied. Hashers are
    fed exactly what the file took, so that file, hashers and ``size`` agree even
    after a failure in the middle.
    """

    def __init__(self, *, file: OpenFile, flush: Flush, workers: Workers) -> None:
        self._file = file
        self._flush = flush
        self._workers = workers
        self._size = self._begun = file.size

    @property
    def size(self) -> int:
        """Bytes that the file holds."""
        return self._size

    async def append(self, chunks: Sequence[bytes], hashers: Sequence[Hasher]) -> int:
        """Write and hash ``chunks``; the new size. Raises StorageFailure."""
        await self._workers.run(self._file.borrowed(self._append), chunks, hashers)
        return self._size

    async def close(self, *, flush: bool) -> None:
        """Release the file. With ``flush`` it survives a power cut, name and bytes."""
        try:
            if flush:
                await self._workers.run(self._file.borrowed(self._flush), self._file)
        finally:
            self._file.close()

    def _append(self, chunks: Sequence[bytes], hashers: Sequence[Hasher]) -> None:
        pending = deque(chunk for chunk in chunks if chunk)
        while pending:
            taken = self._file.write(list(islice(pending, IOV_MAX)))
            self._size += taken
            for piece in _first(taken, pending):
                for hasher in hashers:
                    hasher.update(piece)
        if self._size - self._begun >= WRITE_EARLY:
            self._file.start_writing(self._begun, self._size - self._begun)
            self._begun = self._size


def _first(count: int, pending: deque[bytes]) -> Iterator[bytes]:
    """Take ``count`` bytes off the left end, cutting the last chunk to fit."""
    while count:
        piece = pending.popleft()
        if len(piece) > count:
            pending.appendleft(piece[count:])
            piece = piece[:count]
        count -= len(piece)
        yield piece
