"""What clients may cost, one connection and all together, in bytes and seconds."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence

import attrs

from registry.web.peer import Network

KIB = 1024
MIB = 1024 * KIB

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@attrs.frozen(kw_only=True)
class Limits:
    """Every buffer, every count and every wait has a bound; ``inf`` stands for none."""

    head: int = 32 * KIB
    """Bytes of a request's line and headers; above it 431, or 414 for the line."""

    headers: int = 100
    """Header lines of a request; above it 431."""

    target: int = 8 * KIB
    """Bytes of a request's target; above it 414."""

    pipelined: int = 64
    """Requests that wait behind the one being answered before reading pauses."""

    behind: int = 64 * KIB
    """Bytes that come behind the request being answered before reading pauses."""

    turn: int = 16
    """Requests of one connection that are answered before others get their turn."""

    buffered: int = 2 * MIB
    """Bytes of a body held for a slow disk before the client's socket is paused."""

    memory: int = 256 * MIB
    """Bytes of all bodies that are held together; see ``memory.py``."""

    discarded: int = 1 * MIB
    """Bytes of an unwanted body that are read to keep a connection; more closes it."""

    connections: float = math.inf
    """Connections of all clients; above it 503."""

    address_connections: float = math.inf
    """Connections of one address; above it 429."""

    requests: float = math.inf
    """Requests of all clients that are being answered; above it 503."""

    address_requests: float = math.inf
    """Requests of one address that are being answered; above it 429."""

    exempt: Sequence[Network] = LOOPBACK
    """Where addresses are that are not bounded one by one."""

    head_timeout: float = 30.0
    """Seconds from a request's first byte to the end of its headers; then 408."""

    idle_timeout: float = 120.0
    """Seconds that a connection may rest between requests."""

    body_timeout: float = 60.0
    """Seconds without one byte of an awaited body; then 408."""

    body_rate: float = 1024.0
    """Bytes per second of an awaited body, over ``body_timeout``; fewer, then 408."""

    takeover_timeout: float = 5.0
    """``body_timeout`` of an upload that another request wants to go on with."""

    send_timeout: float = 60.0
    """Seconds in which a client takes not one byte of its response."""

    send_rate: float = 1024.0
    """Bytes per second of a response that are taken, over ``send_timeout``."""

    linger_timeout: float = 5.0
    """Seconds that a refused body is still read so that the refusal arrives."""

    lingered: int = 16 * MIB
    """Bytes of it that are read in that time."""

    hurried_timeout: float = 5.0
    """Seconds that a connection may rest when there are nearly too many."""

    @property
    def crowded(self) -> float:
        """Connections from which on those that rest are hurried."""
        return self.connections * 3 / 4
