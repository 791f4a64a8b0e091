"""One process writes: the lock that keeps a second one out of a root.

The kernel holds it for the open file, so a killed process leaves none behind. The file
stays; what it says is for people. On NFS the lock is the server's, and holds on all
machines, unless the share is mounted with ``nolock`` or ``local_lock=flock``. flock(2),
nfs(5)
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from contextlib import suppress

from registry.storage.directories import Directories
from registry.storage.disk import Disk, translated
from registry.storage.driver import Absent, StorageFailure

LOCK = "_registry/lock"
"""Beside ``docker/``, where Distribution does not look."""

PRIVATE_MODE = 0o600
"""Of the lock: who can open it could hold it, and keep the registry from starting."""

PRIVATE_DIRECTORY_MODE = 0o700
"""Of the directory that is ours, if it is made here."""

LONGEST = 1000
"""Bytes of the lock's file that are read."""

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class RootHeld(StorageFailure):
    """Another registry process writes below this root."""


class HeldRoot:
    """The right to write below a root, until ``close``."""

    def __init__(self, *, path: str, fd: int) -> None:
        self.path = path
        self._fd: int | None = fd
        status = os.fstat(fd)
        self.identity = (status.st_dev, status.st_ino)
        """What tells the lock file from any other at its path."""

    def close(self) -> None:
        """Let the root go. May be repeated."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def hold_root(root: str, *, source: str = "") -> HeldRoot:
    """Take the root, making it if there is none. Blocks on the disk, not on the lock.

    ``source`` is where the configuration comes from, for whoever finds the root held.
    To be called by the process that serves: after it has gone into the background, as a
    child would share the lock. Raises RootHeld or StorageFailure.
    """
    root = os.path.abspath(root)
    path = f"{root}/{LOCK}"
    fd = _opened(root=root, path=path)
    try:
        _lock(fd, root=root, path=path, source=source)
    except BaseException:
        os.close(fd)
        raise
    return HeldRoot(path=path, fd=fd)


def _opened(*, root: str, path: str) -> int:
    disk = Disk()
    try:
        directory = os.path.dirname(path)
        directories = Directories(disk=disk, root=root)
        directories.settle(root)
        disk.call("make directory", directory, _make_private, directory)
        directories.settle(directory)
        return disk.call("lock", path, _open_private, path)
    except Absent:
        raise StorageFailure(
            f"cannot make {path}: a file is where a directory belongs; move it away"
        ) from None


def _make_private(path: str) -> None:
    """Make a directory for nobody else; one that is there stays as it is."""
    with suppress(FileExistsError):
        os.mkdir(path, PRIVATE_DIRECTORY_MODE)


def _open_private(path: str) -> int:
    """The lock's file, made if need be, and whoever made it: for nobody else."""
    fd = os.open(path, _FLAGS, PRIVATE_MODE)
    try:
        if os.fstat(fd).st_uid == os.geteuid():
            os.fchmod(fd, PRIVATE_MODE)
    except OSError:
        os.close(fd)
        raise
    return fd


def _lock(fd: int, *, root: str, path: str, source: str) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(fd, 0)
        os.pwrite(fd, _introduction(source), 0)
    except BlockingIOError:
        raise RootHeld(
            f"{root} is in use by another registry ({_holder(fd)}); stop that one, or"
            " give this one a root of its own"
        ) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return  # held all the same: a full disk must not keep anybody from pulling
        raise StorageFailure(str(translated("lock", path, error))) from error


def _introduction(source: str) -> bytes:
    """Who holds the lock, since when, and by what configuration."""
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    said = f"pid {os.getpid()} on {socket.gethostname()}, since {since}"
    if source:
        said += f", configured by {source}"
    return f"{said}\n".encode("utf-8", "backslashreplace")[:LONGEST]


def _holder(fd: int) -> str:
    said = os.pread(fd, LONGEST, 0).decode("utf-8", "replace")
    shown = "".join(char if char.isprintable() else " " for char in said)
    return " ".join(shown.split()) or "it has not said who it is"
