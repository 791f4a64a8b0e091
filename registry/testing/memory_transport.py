"""A TCP connection in memory, seen from both ends.

It behaves as Twisted's does where it matters: closing waits for what was written and
for the producer to leave; an aborted connection is lost on the reactor's next turn; a
full buffer pauses the producer; what arrives while reading is paused waits.
"""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IProtocol,
    IPushProducer,
    IReactorTime,
    ITCPTransport,
)
from twisted.python.failure import Failure
from zope.interface import implementer

MARK = 64 * 1024
"""Bytes that wait to be sent above which the producer is paused, as in Twisted."""


@implementer(ITCPTransport, IPushProducer)
class MemoryTransport:
    """The server's transport, and the client's end of it.

    ``window`` is how many more bytes the client takes; None for all.
    """

    def __init__(self, *, clock: IReactorTime, host: str, port: int) -> None:
        self._clock = clock
        self._peer = IPv4Address("TCP", host, port)
        self._protocol: IProtocol | None = None
        self._producer: IPushProducer | None = None
        self._to_send = bytearray()
        self._arrived: list[bytes] = []
        self._client_ended = False
        self._producer_waits = False
        self.received = b""
        self.window: int | None = None
        self.is_paused = False
        self.is_closing = False
        self.is_closed = False
        self.is_half_closed = False
        self.is_aborted = False

    def connect(self, protocol: IProtocol) -> None:
        """Begin."""
        self._protocol = protocol
        protocol.makeConnection(self)

    def refuse(self) -> None:
        """Close without a word: nobody wants this connection."""
        self.is_closed = True

    # The client's end.

    def deliver(self, data: bytes) -> None:
        """The client sends ``data``."""
        self._arrived.append(data)
        self._pump_in()

    def end(self) -> None:
        """The client closes its sending side and still reads."""
        self._client_ended = True
        self._pump_in()

    def leave(self) -> None:
        """The client closes both sides."""
        self._lost(ConnectionDone())

    def take(self, size: int | None) -> None:
        """The client reads ``size`` bytes more; with None all that ever comes."""
        self.window = None if size is None else (self.window or 0) + size
        self._pump_out()

    @property
    def waiting(self) -> int:
        """Bytes that the server has written and the client has not taken."""
        return len(self._to_send)

    @property
    def unread(self) -> int:
        """Bytes that the client has sent and the server has not read."""
        return sum(map(len, self._arrived))

    def _pump_in(self) -> None:
        while self._arrived and not self.is_paused and not self._is_deaf:
            assert self._protocol is not None
            self._protocol.dataReceived(self._arrived.pop(0))
        if self._client_ended and not (self._arrived or self.is_paused):
            self._client_ended = False
            self._read_connection_lost()

    @property
    def _is_deaf(self) -> bool:
        return self.is_closed or self.is_closing

    def _read_connection_lost(self) -> None:
        half = IHalfCloseableProtocol(self._protocol, None)
        if self.is_closing or half is None:
            self._lost(ConnectionDone())
        elif not self.is_closed:
            half.readConnectionLost()

    def _pump_out(self) -> None:
        size = len(self._to_send) if self.window is None else self.window
        taken = bytes(self._to_send[:size])
        del self._to_send[:size]
        self.received += taken
        if self.window is not None:
            self.window -= len(taken)
        if self._to_send:
            return
        if self._producer is not None and self._producer_waits:
            self._producer_waits = False
            self._producer.resumeProducing()
        elif self.is_closing and self._producer is None:
            self._lost(ConnectionDone())

    def _lost(self, reason: Exception) -> None:
        if not self.is_closed:
            self.is_closed = True
            assert self._protocol is not None
            self._protocol.connectionLost(Failure(reason))

    # ITCPTransport

    def write(self, data: bytes) -> None:
        """Send ``data`` as the client takes it."""
        assert isinstance(data, bytes)
        if self.is_closed or self.is_aborted or self.is_half_closed:
            return
        self._to_send += data
        self._pump_out()
        if len(self._to_send) > MARK and self._producer is not None:
            self._producer_waits = True
            self._producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send several pieces."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close when all is sent and the producer has left."""
        self.is_closing = True
        self._pump_out()

    def loseWriteConnection(self) -> None:
        """Close the server's sending side."""
        self.is_half_closed = True

    def abortConnection(self) -> None:
        """Drop the connection."""
        self.is_aborted = True
        self._clock.callLater(0, self._lost, ConnectionAborted())

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        """Pause ``producer`` when too much waits to be sent."""
        assert streaming
        assert self._producer is None
        self._producer = producer

    def unregisterProducer(self) -> None:
        """The producer has left."""
        self._producer = None
        if self.is_closing:
            self._pump_out()

    def pauseProducing(self) -> None:
        """Read no more from the client."""
        self.is_paused = True

    def resumeProducing(self) -> None:
        """Read from the client again."""
        if not self.is_closing and not self.is_closed:
            self.is_paused = False
            self._clock.callLater(0, self._pump_in)

    def stopProducing(self) -> None:
        """Close."""
        self.loseConnection()

    def getPeer(self) -> IPv4Address:
        """The client's address."""
        return self._peer

    def getHost(self) -> IPv4Address:
        """The server's address."""
        return IPv4Address("TCP", "127.0.0.1", 5000)

    def getTcpKeepAlive(self) -> bool:
        """Not kept alive."""
        return False

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """There is no network to keep it alive on."""

    def getTcpNoDelay(self) -> bool:
        """Nothing is ever delayed."""
        return True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing is ever delayed."""
