"""The writing side of a connection.

Whoever writes learns when the kernel has taken everything: at once (None), or later (a
Deferred that fires then, and fails with ConnectionLost). Nothing is ever buffered
beyond the response being written, so a slow client pauses the file it reads.

Read next: ``socket_wire.py`` (plain sockets, sendfile), ``tls_wire.py`` (TLS).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twisted.internet.defer import Deferred

from registry.web.response import Segment

READ_SIZE = 256 * 1024
"""Bytes of a content that are in memory at a time when it cannot be sent as a file."""


class Wire(Protocol):
    """One connection, to be written to; one write at a time."""

    @property
    def taken(self) -> int:
        """Bytes that the client has taken so far; of use while ``is_sending``."""

    @property
    def is_sending(self) -> bool:
        """Whether the client has not yet taken all that was written."""

    def write(self, segments: Sequence[Segment]) -> Deferred[None] | None:
        """Send ``segments`` in order; None if that is already done."""

    def finish(self) -> None:
        """Nothing more will be written: let the connection close."""

    def disconnected(self) -> None:
        """The connection is gone: fail what waits and let go of descriptors."""
