"""A Wire over a plain socket: straight to ``send`` and ``sendfile``.

A response usually fits the kernel's buffer, so it is sent at once from where it was
made, without a trip through the reactor. What does not fit waits in a queue of bytes
and file pieces, and the reactor calls when the socket takes more.

The transport keeps the reading side of the same socket. The reactor knows descriptors
by number, so the writing side is registered under a duplicate, made only when a client
is slower than we are. Nothing is ever written through the transport itself; its own
buffer stays empty and order is ours alone.

File pages that are not in memory would make ``sendfile`` wait for the disk on the
reactor's thread. ``preadv2`` with RWF_NOWAIT tells; such pieces are read ahead in a
worker first.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import termios
from collections import deque
from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorFDSet, IReactorTime, IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from registry.storage.driver import StorageFailure
from registry.web.response import Piece, Segment
from registry.web.wire import READ_SIZE

TURN = 1024 * 1024
"""Bytes that one connection may send before others get their turn."""

STEP = 512 * 1024
"""Bytes of a file that are made resident and sent in one call."""

ReadAhead = Callable[[int, int, int], Deferred[None]]
"""Reads ``(descriptor, offset, length)`` into the page cache, in a worker."""


class WireReactor(IReactorFDSet, IReactorTime):
    """The abilities of a reactor that this needs."""


@implementer(IWriteDescriptor)
class SocketWire:
    """Writes to ``connection``; ``failed`` is called once if it breaks."""

    def __init__(
        self,
        *,
        connection: socket.socket,
        reactor: WireReactor,
        read_ahead: ReadAhead,
        failed: Callable[[], object],
    ) -> None:
        self._socket = connection
        self._reactor = reactor
        self._read_ahead = read_ahead
        self._failed = failed
        self._queue: deque[memoryview | Piece] = deque()
        self._warm_until = 0
        self._done: Deferred[None] | None = None
        self._gone = False
        self._descriptor = -1
        self._registered = False
        self._sent = 0

    @property
    def is_sending(self) -> bool:
        """Whether something waits for the client to take it."""
        return self._done is not None

    @property
    def taken(self) -> int:
        """Bytes that the other side has acknowledged.

        The kernel takes megabytes at a time, so what it took tells nothing of a slow
        client for minutes. tcp(7), SIOCOUTQ.
        """
        try:
            unsent = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(4))
        except OSError:
            return self._sent
        return self._sent - int.from_bytes(unsent, sys.byteorder)

    def write(self, segments: Sequence[Segment]) -> Deferred[None] | None:
        """Send ``segments`` in order; None if the kernel took them all at once."""
        if self._gone:
            return fail(ConnectionLost())
        if any(
            isinstance(one, Piece) and one.content.fileno() is None for one in segments
        ):
            return Deferred.fromCoroutine(self._write_copied(segments))
        self._warm_until = 0
        for segment in segments:
            if isinstance(segment, Piece):
                self._queue.append(segment)
            elif segment:
                self._queue.append(memoryview(segment))
        self._pump()
        return self._outcome()

    async def _write_copied(self, segments: Sequence[Segment]) -> None:
        """Send contents that have no descriptor, a bounded part at a time."""
        for segment in segments:
            if isinstance(segment, bytes):
                await self._write_all(segment)
                continue
            offset, end = segment.offset, segment.offset + segment.length
            while offset < end:
                size = min(READ_SIZE, end - offset)
                await self._write_all(await segment.content.read(offset, size))
                offset += size

    async def _write_all(self, data: bytes) -> None:
        waiting = self.write([data])
        if waiting is not None:
            await waiting

    def _outcome(self) -> Deferred[None] | None:
        if self._gone:
            return fail(ConnectionLost())
        if not self._queue:
            return None
        self._done = Deferred()
        return self._done

    # Getting the queue out.

    def _pump(self) -> None:
        """Send what the socket takes, up to one turn's worth; arrange for the rest."""
        budget = TURN
        try:
            while self._queue and budget > 0:
                first = self._queue[0]
                if isinstance(first, Piece) and self._is_cold(first):
                    self._fetch(first)
                    return
                sent = self._send(first)
                self._sent += sent
                budget -= sent
        except BlockingIOError:
            pass
        except (OSError, StorageFailure):
            self._broke()
            return
        if self._queue:
            self._register()
        else:
            self._unregister()

    def _send(self, first: memoryview | Piece) -> int:
        """Send from the first of the queue; the number of bytes that went."""
        if isinstance(first, Piece):
            return self._send_piece(first)
        more = socket.MSG_MORE if len(self._queue) > 1 else 0
        sent = self._socket.send(first, more)
        if sent == len(first):
            self._queue.popleft()
        else:
            self._queue[0] = first[sent:]
        return sent

    def _send_piece(self, piece: Piece) -> int:
        descriptor = _descriptor(piece)
        step = self._warm_until - piece.offset
        sent = os.sendfile(self._socket.fileno(), descriptor, piece.offset, step)
        if sent == 0:
            raise StorageFailure("a file became shorter while it was sent")
        if sent == piece.length:
            self._queue.popleft()
            self._warm_until = 0
        else:
            self._queue[0] = Piece(
                piece.content, piece.offset + sent, piece.length - sent
            )
        return sent

    def _is_cold(self, piece: Piece) -> bool:
        """Whether sending the next step of ``piece`` would wait for the disk.

        A step is asked about, or fetched, once: then it is sent, however many calls
        that takes, so a page that was evicted meanwhile cannot hold it up for ever.
        """
        if piece.offset < self._warm_until:
            return False
        descriptor = _descriptor(piece)
        end = self._warm_until = piece.offset + min(piece.length, STEP)
        last = end - 1
        probe = [bytearray(1)]
        try:
            os.preadv(descriptor, probe, piece.offset, os.RWF_NOWAIT)
            os.preadv(descriptor, probe, last, os.RWF_NOWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False  # a file system that cannot tell; sendfile decides
        return False

    def _fetch(self, piece: Piece) -> None:
        """Have a worker read the next step of a cold piece, then go on."""
        self._unregister()
        descriptor = _descriptor(piece)
        step = self._warm_until - piece.offset
        reading = self._read_ahead(descriptor, piece.offset, step)
        reading.addCallbacks(lambda _: self.doWrite(), lambda _: self._broke())

    # IWriteDescriptor, on a duplicate of the socket's descriptor.

    def doWrite(self) -> None:
        """The socket takes more."""
        if self._gone:
            return
        self._pump()
        if not self._queue:
            self._finish()

    def fileno(self) -> int:
        """The duplicate that the reactor knows this by."""
        return self._descriptor

    def logPrefix(self) -> str:
        """A name for the reactor's log."""
        return "wire"

    def connectionLost(self, reason: Failure) -> None:
        """The reactor found the socket broken."""
        del reason
        self._broke()

    def _register(self) -> None:
        if not self._registered:
            if self._descriptor == -1:
                self._descriptor = os.dup(self._socket.fileno())
            self._reactor.addWriter(self)
            self._registered = True

    def _unregister(self) -> None:
        if self._registered:
            self._reactor.removeWriter(self)
            self._registered = False

    # The end.

    def _finish(self) -> None:
        done, self._done = self._done, None
        if done is not None:
            done.callback(None)

    def _broke(self) -> None:
        if not self._gone:
            self.disconnected()
            self._failed()

    def finish(self) -> None:
        """Nothing is left behind: what was written is with the kernel."""
        self._unregister()

    def disconnected(self) -> None:
        """The connection is gone: fail what waits and let go of descriptors.

        The reactor may still hold an event for the duplicate that it got together with
        the end of the connection, and would take it for one of whoever gets the same
        number next. So that is closed when this turn of the reactor is over.
        """
        self._gone = True
        self._queue.clear()
        self._unregister()
        if self._descriptor != -1:
            self._reactor.callLater(0, os.close, self._descriptor)
            self._descriptor = -1
        done, self._done = self._done, None
        if done is not None:
            done.errback(ConnectionLost())


def _descriptor(piece: Piece) -> int:
    """The file of a piece; ``write`` has sent those that have none another way."""
    descriptor = piece.content.fileno()
    assert descriptor is not None  # noqa: S101
    return descriptor
