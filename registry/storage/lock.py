"""One process writes: the lock that keeps a second one out of a root.

The kernel holds it for the open file, so a killed process leaves none behind. The file
stays; what it says is for people.
"""

from __future__ import annotations

import fcntl
import os
import socket

from registry.storage.directories import Directories
from registry.storage.disk import FILE_MODE, Disk, translated
from registry.storage.driver import Absent, StorageFailure

LOCK = "_registry/lock"
"""Beside ``docker/``, where Distribution does not look."""

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class RootHeld(StorageFailure):
    """Another registry process writes below this root."""


class HeldRoot:
    """The right to write below a root, until ``close``."""

    def __init__(self, *, path: str, fd: int) -> None:
        self.path = path
        self._fd: int | None = fd

    def close(self) -> None:
        """Let the root go. May be repeated."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def hold_root(root: str) -> HeldRoot:
    """Take the root, making it if there is none. Blocks on the disk, not on the lock.

    To be called by the process that serves: after it has gone into the background, as a
    child would share the lock. Raises RootHeld or StorageFailure.
    """
    root = os.path.abspath(root)
    path = f"{root}/{LOCK}"
    fd = _opened(root=root, path=path)
    try:
        _lock(fd, root=root, path=path)
    except BaseException:
        os.close(fd)
        raise
    return HeldRoot(path=path, fd=fd)


def _opened(*, root: str, path: str) -> int:
    disk = Disk()
    try:
        Directories(disk=disk, root=root).settle(os.path.dirname(path))
        return disk.call("lock", path, os.open, path, _FLAGS, FILE_MODE)
    except Absent:
        raise StorageFailure(
            f"cannot make {path}: a file is where a directory belongs; move it away"
        ) from None


def _lock(fd: int, *, root: str, path: str) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
    except BlockingIOError:
        raise RootHeld(
            f"{root} is in use by another registry ({_holder(fd)}); stop that one, or"
            " give this one a root of its own"
        ) from None
    except OSError as error:
        raise StorageFailure(str(translated("lock", path, error))) from error


def _holder(fd: int) -> str:
    said = os.pread(fd, 300, 0).decode("utf-8", "replace")
    return " ".join(said.split()) or "it has not said who it is"
