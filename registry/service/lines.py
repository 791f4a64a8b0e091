"""Lines on their way to a descriptor, without ever waiting for whoever reads it.

Standard output may be a file, a terminal, a pipe or the journal's socket, and it is
shared with other processes, so it is not ours to make non-blocking. But it can be asked
(``poll``) whether it takes something: then a pipe has room for at least PIPE_BUF, 4096
bytes, and a write of no more than that does not wait. Pieces end at a line's end, so
that no other writer's line can come between. pipe(7), poll(2)
"""

from __future__ import annotations

import os
import select
import stat
import time

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

BATCH = 64 * 1024
"""Bytes that are written at once, without waiting for the end of the reactor's turn."""

PIECE = 4096
"""Bytes of a write to what is not a file; the longest line that can be added."""

BACKLOG = 4 * 1024 * 1024
"""Bytes that are held for a slow reader; more are dropped, and counted."""

RETRY = 0.1
"""Seconds until a reader that takes nothing is tried again."""


class LineWriter:
    """Gathers lines and writes them once in each turn of the reactor.

    ``descriptor`` is not closed: it belongs to whoever opened it.
    """

    def __init__(self, *, descriptor: int, clock: IReactorTime) -> None:
        self._descriptor = descriptor
        self._clock = clock
        self._lines: list[str] = []
        self._size = 0
        self._pending = bytearray()
        self._call: IDelayedCall | None = None
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._piece = BACKLOG if is_file else PIECE
        self._lost = 0
        self._has_failed = False
        self._log = Logger()

    def add(self, line: str) -> None:
        """Write ``line``, ASCII with its line end, before long."""
        self._lines.append(line)
        self._size += len(line)
        if self._call is None:
            self._call = self._clock.callLater(0, self._turn)
        elif self._size >= BATCH:
            self._write(patience=0)

    def close(self, *, patience: float = 1.0) -> None:
        """Write what is left; a reader that takes nothing gets ``patience`` seconds."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        self._write(patience=patience)

    def _turn(self) -> None:
        self._call = None
        self._write(patience=0)
        if self._pending:
            self._call = self._clock.callLater(RETRY, self._turn)

    def _write(self, *, patience: float) -> None:
        """Write until all is written, or the reader takes nothing more in time."""
        self._gather()
        end = time.monotonic() + patience
        while self._pending and self._poll.poll(
            max(0.0, end - time.monotonic()) * 1000 if patience else 0
        ):
            try:
                written = os.write(self._descriptor, self._next_piece())
            except BlockingIOError:
                return
            except OSError as error:
                self._fail(error)
                return
            del self._pending[:written]
            self._has_failed = False
        if self._lost and not self._pending:
            self._confess()

    def _gather(self) -> None:
        lines, self._lines, self._size = self._lines, [], 0
        if len(self._pending) < BACKLOG:
            self._pending += "".join(lines).encode("ascii", "backslashreplace")
        else:
            self._lost += len(lines)

    def _next_piece(self) -> bytes:
        if len(self._pending) <= self._piece:
            return bytes(self._pending)
        end = self._pending.rfind(b"\n", 0, self._piece) + 1
        return bytes(self._pending[: end or self._piece])

    def _confess(self) -> None:
        self._log.warn(
            "{count} lines of the access log were lost, because nothing read standard"
            " output in time; give it a faster reader, or a file",
            count=self._lost,
        )
        self._lost = 0

    def _fail(self, error: OSError) -> None:
        self._lost += self._pending.count(b"\n")
        self._pending.clear()
        if not self._has_failed:
            self._has_failed = True
            self._log.error(
                "the access log cannot be written: {error}; see where standard output"
                " goes, or switch it off with log.accesslog.disabled",
                error=error,
            )
