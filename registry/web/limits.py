"""What one connection may cost, in bytes and seconds."""

from __future__ import annotations

import attrs

KIB = 1024
MIB = 1024 * KIB


@attrs.frozen(kw_only=True)
class Limits:
    """Bounds of a connection; every buffer and every wait has one."""

    head: int = 32 * KIB
    """Bytes of a request's line and headers; above it 431, or 414 for the line."""

    headers: int = 100
    """Header lines of a request; above it 431."""

    target: int = 8 * KIB
    """Bytes of a request's target; above it 414."""

    pipelined: int = 64
    """Requests that wait behind the one being answered before reading pauses."""

    buffered: int = 2 * MIB
    """Bytes of a body held for a slow disk before the client's socket is paused."""

    discarded: int = 1 * MIB
    """Bytes of an unwanted body that are read to keep a connection; more closes it."""

    head_timeout: float = 30.0
    """Seconds from a request's first byte to the end of its headers; then 408."""

    idle_timeout: float = 120.0
    """Seconds that a connection may rest between requests."""

    body_timeout: float = 60.0
    """Seconds without one byte of an awaited body; then 408."""

    body_rate: float = 1024.0
    """Bytes per second of an awaited body, over ``body_timeout``; fewer, then 408."""

    send_timeout: float = 60.0
    """Seconds in which a client takes not one byte of its response."""

    linger_timeout: float = 5.0
    """Seconds that a refused body is still read so that the refusal arrives."""
