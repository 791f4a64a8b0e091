"""A secret of this store, made once: what it signs is still good after a restart.

It is nobody else's business, so only the registry's user can read it. One that others
could read, or that is torn, is made anew: then blank uploads of before are unknown.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress

from registry.storage.directories import Directories
from registry.storage.disk import Disk
from registry.storage.driver import Absent, StorageFailure, StorageFull

PLACE = "_registry/secret"
LENGTH = 32
"""Bytes of it. A file of another length is torn."""

_MODE = 0o600
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def kept_secret(disk: Disk, root: str) -> bytes:
    """The secret of the store at ``root``, which this process holds. Blocks.

    Raises StorageFailure.
    """
    path = f"{root}/{PLACE}"
    kept = _kept(disk, path)
    if kept is not None:
        return kept
    made = secrets.token_bytes(LENGTH)
    with suppress(StorageFull):  # then it is good for this run only
        _keep(disk, root, path, made)
    return made


def _kept(disk: Disk, path: str) -> bytes | None:
    try:
        fd, _ = disk.open(path)
    except Absent:
        return None
    try:
        is_ours = not stat.S_IMODE(os.fstat(fd).st_mode) & 0o077
        kept = disk.read(fd, path, 0, LENGTH + 1)
    finally:
        disk.close(fd, path)
    return kept if is_ours and len(kept) == LENGTH else None


def _keep(disk: Disk, root: str, path: str, made: bytes) -> None:
    """Make a new one durable before anything is signed with it."""
    directory, temporary = os.path.dirname(path), f"{path}.tmp"
    try:
        Directories(disk=disk, root=root).settle(directory)
        with suppress(Absent):  # of another mode, if a crash left it
            disk.unlink(temporary)
        _write(disk, temporary, made)
        disk.rename(temporary, path)
        disk.fsync_directory(directory)
    except Absent as gone:
        raise StorageFailure(
            f"cannot make {path}: {gone.path} vanishes or is no directory; look at the"
            " path and stop what else writes there"
        ) from None


def _write(disk: Disk, path: str, content: bytes) -> None:
    fd = disk.call("create", path, os.open, path, _MAKE, _MODE)
    try:
        if disk.writev(fd, path, [content]) != len(content):
            raise StorageFailure(f"{path} takes no more bytes; check the disk")
        disk.fsync(fd, path)
    finally:
        disk.close(fd, path)
