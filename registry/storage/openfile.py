"""A descriptor that cannot be closed under somebody's hands.

A descriptor's number is used again as soon as it is closed. A worker that still read
or wrote it would then touch another file. So work that is on its way to a worker
borrows the file, and ``close`` takes effect when the last borrower is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import ParamSpec, TypeVar

from registry.storage.calls import start_writing
from registry.storage.disk import Disk
from registry.storage.driver import StorageFailure

P = ParamSpec("P")
T = TypeVar("T")


class OpenFile:
    """An open regular file. All but ``borrowed`` and ``close`` block.

    One that is forgotten without ``close`` is closed then; a cancelled ``open`` leaves
    no descriptor behind.
    """

    def __init__(self, *, disk: Disk, path: str, opened: tuple[int, int]) -> None:
        self.path = path
        self._fd, self.size = opened
        self._disk = disk
        self._lock = Lock()
        self._users = 0
        self._closing = False
        self._closed = False

    def fileno(self) -> int:
        """The descriptor. Raises StorageFailure if the file was closed."""
        if self._closed:
            raise StorageFailure(f"{self.path} was closed; open it again")
        return self._fd

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``; raises StorageFailure if short."""
        pieces: list[bytes] = []
        while length > 0:
            piece = self.read_some(offset, length)
            if not piece:
                raise StorageFailure(
                    f"{self.path} ends at byte {offset}, {length} bytes early; it was"
                    " cut short while it was open: verify it"
                )
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def read_some(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``; none at the end of the file."""
        return self._disk.read(self._fd, self.path, offset, length)

    def write(self, buffers: Sequence[bytes | memoryview]) -> int:
        """Append at most IOV_MAX buffers, not all empty; how many bytes were taken."""
        taken = self._disk.writev(self._fd, self.path, buffers)
        if not taken:
            raise StorageFailure(f"{self.path} takes no more bytes; check the disk")
        return taken

    def write_whole(self, content: bytes) -> None:
        """Append all of ``content``."""
        rest = memoryview(content)
        while rest:
            rest = rest[self.write([rest]) :]

    def start_writing(self, offset: int, length: int) -> None:
        """Have the disk begin with these bytes, so that ``fsync`` waits less."""
        start_writing(self._fd, offset, length)

    def fsync(self) -> None:
        """Make the content survive a power cut."""
        self._disk.fsync(self._fd, self.path)

    def borrowed(self, work: Callable[P, T]) -> Callable[P, T]:
        """``work``, to be called once; the file stays open until it has returned.

        Raises StorageFailure if the file was closed.
        """
        self.hold()

        def working(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return work(*args, **kwargs)
            finally:
                self.release()

        return working

    def hold(self) -> None:
        """Keep it open until ``release``, whoever closes it meanwhile.

        Raises StorageFailure if it is closed and nobody holds it any more.
        """
        with self._lock:
            if self._closing and not self._users:
                raise StorageFailure(f"{self.path} was closed; open it again")
            self._users += 1

    def release(self) -> None:
        """Undo one ``hold``."""
        with self._lock:
            self._users -= 1
            self._close_unused()

    def close(self) -> None:
        """Release the descriptor, now or after its last borrower. May be repeated."""
        with self._lock:
            self._closing = True
            self._close_unused()

    def _close_unused(self) -> None:
        if self._closing and not self._users and not self._closed:
            self._closed = True
            with suppress(StorageFailure):  # what must last was synced before
                self._disk.close(self._fd, self.path)

    def __del__(self) -> None:
        self._users = 0
        self.close()
