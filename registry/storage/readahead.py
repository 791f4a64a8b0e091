"""Bringing parts of a file into memory, so that sending them need not wait."""

from __future__ import annotations

import os

import attrs
from twisted.internet.defer import Deferred

from registry.storage.workers import Workers

_PIECE = 256 * 1024


@attrs.frozen(kw_only=True)
class ReadAhead:
    """Reads through a part of an open file in a worker; what it reads is dropped."""

    workers: Workers

    def __call__(self, descriptor: int, offset: int, length: int) -> Deferred[None]:
        """Fires when ``length`` bytes from ``offset`` are in the page cache."""
        return self.workers.run(_read_through, descriptor, offset, length)


def _read_through(descriptor: int, offset: int, length: int) -> None:
    os.posix_fadvise(descriptor, offset, length, os.POSIX_FADV_WILLNEED)
    buffer = [bytearray(_PIECE)]
    end = offset + length
    while offset < end:
        got = os.preadv(descriptor, buffer, offset)
        if not got:
            return  # shorter than it was; the sender finds that out for itself
        offset += got
