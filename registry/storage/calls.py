"""System calls that Python does not offer.

Source: syncfs(2), sync_file_range(2).
"""

from __future__ import annotations

import ctypes
import os

_SYNC_FILE_RANGE_WRITE = 2

_LIBC = ctypes.CDLL(None, use_errno=True)
_SYNC_FILE_RANGE = getattr(_LIBC, "sync_file_range", None)
if _SYNC_FILE_RANGE is not None:
    _SYNC_FILE_RANGE.argtypes = [
        ctypes.c_int,
        ctypes.c_int64,
        ctypes.c_int64,
        ctypes.c_uint,
    ]


def start_writing(fd: int, offset: int, length: int) -> None:
    """Ask the disk to begin with ``length`` bytes from ``offset``. Never fails.

    A file that was received over a minute would otherwise be written in one go when it
    is synced, with everybody waiting. It makes no promise, and where it is missing
    nothing is lost but time.
    """
    if _SYNC_FILE_RANGE is not None:
        _SYNC_FILE_RANGE(fd, offset, length, _SYNC_FILE_RANGE_WRITE)


def sync_file_system(fd: int) -> None:
    """Sync all of the file system that an open file is on. Raises OSError."""
    if _LIBC.syncfs(fd):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
