"""A Wire over any other Twisted transport, such as the in-memory ones of tests.

The transport says through the producer interface when its buffer is full and when it
has drained; this object is that producer for as long as the connection lasts.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IPushProducer, IReactorTime, ITransport
from zope.interface import implementer

from registry.web.response import Piece, Segment
from registry.web.wire import READ_SIZE


@implementer(IPushProducer)
class TransportWire:
    """Writes through ``transport``, waiting whenever its buffer is full."""

    def __init__(self, *, transport: ITransport, clock: IReactorTime) -> None:
        self._transport = transport
        self._clock = clock
        self._full = False
        self._gone = False
        self._written = 0
        self._waiting: Deferred[None] | None = None
        self.taken = 0
        transport.registerProducer(self, True)  # type: ignore[attr-defined]  # IConsumer

    @property
    def is_sending(self) -> bool:
        """Whether the transport's buffer is above its mark."""
        return self._waiting is not None

    def write(self, segments: Sequence[Segment]) -> Deferred[None] | None:
        """Send ``segments`` in order; None if the transport took them at once."""
        if self._gone:
            return fail(ConnectionLost())
        if all(isinstance(segment, bytes) for segment in segments):
            data = b"".join(segments)  # type: ignore[arg-type]  # checked
            if len(data) <= READ_SIZE:
                return self._write(data)
        return Deferred.fromCoroutine(self._write_segments(segments))

    async def _write_segments(self, segments: Sequence[Segment]) -> None:
        for segment in segments:
            if isinstance(segment, bytes):
                await self._write_bytes(segment)
            else:
                await self._write_piece(segment)

    async def _write_bytes(self, data: bytes) -> None:
        for start in range(0, len(data), READ_SIZE):
            await self._write_part(data[start : start + READ_SIZE])

    async def _write_piece(self, piece: Piece) -> None:
        offset, end = piece.offset, piece.offset + piece.length
        while offset < end:
            data = await piece.content.read(offset, min(READ_SIZE, end - offset))
            offset += len(data)
            await self._write_part(data)

    async def _write_part(self, data: bytes) -> None:
        """Write what may be in memory at once; wait while the client is slower."""
        if self._gone:
            raise ConnectionLost
        full = self._write(data)
        if full is not None:
            await full

    def _write(self, data: bytes) -> Deferred[None] | None:
        """Write ``data``; None unless the transport's buffer is full then."""
        self._written += len(data)
        self._transport.write(data)
        if not self._full:
            return None
        self._waiting = Deferred()
        return self._waiting

    def finish(self) -> None:
        """Leave the transport, which waits for its producer before it closes."""
        self._transport.unregisterProducer()  # type: ignore[attr-defined]  # IConsumer

    def disconnected(self) -> None:
        """Fail whoever waits for the client."""
        self._gone = True
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.errback(ConnectionLost())

    # IPushProducer

    def pauseProducing(self) -> None:
        """The transport's buffer is full."""
        self._full = True

    def resumeProducing(self) -> None:
        """The transport's buffer has drained."""
        self._full = False
        self.taken = self._written
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    def stopProducing(self) -> None:
        """The connection is gone."""
        self.disconnected()
