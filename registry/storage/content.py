"""Open content that is a file on disk."""

from __future__ import annotations

from registry.storage.driver import StorageFailure
from registry.storage.openfile import OpenFile
from registry.storage.workers import Workers


class FileContent:
    """The content of a file, read in workers or by ``sendfile``.

    It holds the file, which others may read at the same time, until it is closed.
    """

    def __init__(self, *, file: OpenFile, workers: Workers) -> None:
        file.hold()
        self._file = file
        self._workers = workers
        self._closed = False

    @property
    def size(self) -> int:
        """Length in bytes, as it was when the file was opened."""
        return self._file.size

    @property
    def held(self) -> bytes | None:
        """None: it is on disk."""
        return None

    def fileno(self) -> int | None:
        """The descriptor, good until ``close``; raises StorageFailure after it."""
        self._check()
        return self._file.fileno()

    async def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``; raises StorageFailure if short."""
        self._check()
        reading = self._file.borrowed(self._file.read)
        return await self._workers.run(reading, offset, length)

    def close(self) -> None:
        """Let the file go. May be repeated."""
        if not self._closed:
            self._closed = True
            self._file.release()

    def _check(self) -> None:
        if self._closed:
            raise StorageFailure(f"{self._file.path} was closed; open it again")

    def __del__(self) -> None:
        self.close()
