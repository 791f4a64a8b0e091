"""A Wire over TLS: a part at a time is read, encrypted and sent.

All of it happens on the reactor's thread. A part is encrypted in less time than it
takes to hand it to a worker and back: with AES in hardware a core does 3 GB/s, and
worker threads served half as much, at three times the CPU. What a part is read from is
in memory; pages that are not are read in a worker first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from OpenSSL import SSL
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from registry.storage.driver import StorageFailure
from registry.web.response import Piece, Segment
from registry.web.tls_transport import TLSTransport

PART = 128 * 1024
"""Bytes that are in memory at a time: they stay in the processor's cache, and others
wait for them no longer than 50 microseconds."""

TURN = 1024 * 1024
"""Bytes that one connection may send before others get their turn."""


class TLSWire:
    """Writes through ``transport``. ``buffer`` has room for a part.

    The buffer may be shared: nobody else runs between reading into it and encrypting.
    """

    def __init__(
        self, *, transport: TLSTransport, clock: IReactorTime, buffer: bytearray
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._buffer = memoryview(buffer)

    @property
    def taken(self) -> int:
        """Bytes of ciphertext that the client has taken so far."""
        return self._transport.raw.taken

    @property
    def is_sending(self) -> bool:
        """Whether the client has not yet taken all that was written."""
        return self._transport.raw.is_sending

    def write(self, segments: Sequence[Segment]) -> Deferred[None] | None:
        """Send ``segments`` in order; None if the kernel took them all at once."""
        transport, first = self._transport, segments[0]
        if transport.is_over:
            return fail(ConnectionLost())
        if len(segments) == 1 and isinstance(first, bytes) and len(first) <= PART:
            return transport.raw.write([transport.encrypted(first)])
        return Deferred.fromCoroutine(self._write_bulk(segments))

    async def _write_bulk(self, segments: Sequence[Segment]) -> None:
        """Send part after part; if that goes wrong no client may take it for whole."""
        transport = self._transport
        budget = TURN
        try:
            for part in _parts(segments):
                sending = transport.raw.write([await self._encrypted(part)])
                budget -= PART
                if sending is not None:
                    await sending
                    budget = TURN
                elif budget <= 0:
                    await deferLater(self._clock, 0, lambda: None)
                    budget = TURN
        except (SSL.Error, OSError, StorageFailure) as error:
            transport.abortConnection()
            raise ConnectionLost(str(error)) from error

    async def _encrypted(self, part: Segment) -> bytes:
        plain = part if isinstance(part, bytes) else self._read_at_once(part)
        if plain is None and isinstance(part, Piece):
            plain = await part.content.read(part.offset, part.length)
        if self._transport.is_over or plain is None:
            raise ConnectionLost
        return self._transport.encrypted(plain)

    def _read_at_once(self, piece: Piece) -> memoryview | None:
        """The piece, in the buffer; None if that would wait for a disk."""
        descriptor = piece.content.fileno()
        if descriptor is None:
            return None
        room = self._buffer[: piece.length]
        try:
            got = os.preadv(descriptor, [room], piece.offset, os.RWF_NOWAIT)
        except OSError:
            return None  # not in memory, or a file system that cannot tell
        return room if got == piece.length else None

    def finish(self) -> None:
        """Nothing is left behind: what was written is with the kernel."""
        self._transport.raw.finish()

    def disconnected(self) -> None:
        """The connection is gone: fail what waits and let go of descriptors."""
        self._transport.raw.disconnected()


def _parts(segments: Sequence[Segment]) -> Iterator[Segment]:
    """``segments``, none of them longer than a part."""
    for segment in segments:
        size = len(segment) if isinstance(segment, bytes) else segment.length
        for start in range(0, size, PART):
            length = min(PART, size - start)
            if isinstance(segment, bytes):
                yield segment[start : start + length]
            else:
                yield Piece(segment.content, segment.offset + start, length)
