"""A Wire over TLS: small answers at once, bulk through worker threads.

A worker reads a part of a file and encrypts it in one turn; the part is sent while the
next one is being made. How large the parts are depends on how many connections do so at
once, for all of them together have a budget.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from OpenSSL import SSL
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionLost

from registry.storage.driver import StorageFailure
from registry.web.response import Piece, Segment
from registry.web.tls_transport import TLSTransport

AT_ONCE = 64 * 1024
"""Bytes of an answer that are encrypted on the reactor's thread."""

BUDGET = 32 * 1024 * 1024
"""Bytes that all connections together may hold of what they send."""

LARGEST, SMALLEST = 1024 * 1024, 64 * 1024
"""Bytes of a part."""


class Budget:
    """Shared by all connections of a site: how large the parts of bulk may be."""

    def __init__(self) -> None:
        self.senders = 0

    @property
    def part(self) -> int:
        """Bytes of a part; each sender holds two, as plaintext or ciphertext."""
        share = BUDGET // (2 * max(1, self.senders))
        return max(SMALLEST, min(LARGEST, share))


class TLSWire:
    """Writes through ``transport``."""

    def __init__(self, *, transport: TLSTransport, budget: Budget) -> None:
        self._transport = transport
        self._budget = budget

    @property
    def last_progress(self) -> float:
        """When the client last took a byte."""
        return self._transport.raw.last_progress

    @property
    def is_sending(self) -> bool:
        """Whether the client has not yet taken all that was written."""
        return self._transport.raw.is_sending

    def write(self, segments: Sequence[Segment]) -> Deferred[None] | None:
        """Send ``segments`` in order; None if the kernel took them all at once."""
        transport, first = self._transport, segments[0]
        if transport.is_over:
            return fail(ConnectionLost())
        if len(segments) == 1 and isinstance(first, bytes) and len(first) <= AT_ONCE:
            return transport.raw.write([transport.encrypted(first)])
        return Deferred.fromCoroutine(self._write_bulk(segments))

    async def _write_bulk(self, segments: Sequence[Segment]) -> None:
        """Lend the connection to workers until all is sent.

        Whatever goes wrong on the way, no client may take the answer for whole.
        """
        transport = self._transport
        transport.lend()
        self._budget.senders += 1
        try:
            await self._send_parts(segments)
        except (SSL.Error, OSError, StorageFailure) as error:
            transport.abortConnection()
            raise ConnectionLost(str(error)) from error
        finally:
            self._budget.senders -= 1
            transport.take_back()

    async def _send_parts(self, segments: Sequence[Segment]) -> None:
        """Encrypt the next part while the last one is being sent."""
        sending: Deferred[None] | None = None
        try:
            for part in self._parts(segments):
                ciphertext = await self._encrypted(part)
                if sending is not None:
                    await sending
                sending = self._transport.raw.write([ciphertext])
            if sending is not None:
                await sending
        finally:
            if sending is not None:
                sending.addErrback(lambda _: None)  # when the next part failed first

    async def _encrypted(self, part: list[Segment]) -> bytes:
        """A part as ciphertext, made in a worker."""
        transport = self._transport
        ready = [await _ready(segment) for segment in part]
        if transport.is_over:
            raise ConnectionLost
        return await transport.workers.run(_encrypt, transport, ready)

    def _parts(self, segments: Sequence[Segment]) -> Iterator[list[Segment]]:
        """``segments`` in parts, as large as the budget allows at the time."""
        part: list[Segment] = []
        room = self._budget.part
        for segment in segments:
            start, size = 0, _length(segment)
            while start < size:
                length = min(room, size - start)
                part.append(_slice(segment, start, length))
                start += length
                room -= length
                if not room:
                    yield part
                    part, room = [], self._budget.part
        if part:
            yield part

    def finish(self) -> None:
        """Nothing is left behind: what was written is with the kernel."""
        self._transport.raw.finish()

    def disconnected(self) -> None:
        """The connection is gone: fail what waits and let go of descriptors."""
        self._transport.raw.disconnected()


def _length(segment: Segment) -> int:
    return len(segment) if isinstance(segment, bytes) else segment.length


def _slice(segment: Segment, start: int, length: int) -> Segment:
    if isinstance(segment, bytes):
        return segment[start : start + length]
    return Piece(segment.content, segment.offset + start, length)


async def _ready(segment: Segment) -> Segment:
    """A segment that a worker can read: content without a file is read here."""
    if isinstance(segment, Piece) and segment.content.fileno() is None:
        return await segment.content.read(segment.offset, segment.length)
    return segment


def _encrypt(transport: TLSTransport, part: Sequence[Segment]) -> bytes:
    return transport.encrypted(b"".join([_read(segment) for segment in part]))


def _read(segment: Segment) -> bytes:
    if isinstance(segment, bytes):
        return segment
    descriptor = segment.content.fileno()
    assert descriptor is not None  # noqa: S101 - _ready has read the others
    data = os.pread(descriptor, segment.length, segment.offset)
    if len(data) != segment.length:
        raise StorageFailure("a file became shorter while it was sent")
    return data
