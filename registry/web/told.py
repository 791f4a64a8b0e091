"""What the log is told of clients that are refused: once, not each time."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from registry.core.errors import RegistryError
from registry.web.arrivals import TLS
from registry.web.request import Request

TOLD = 1000
"""Addresses that are remembered because something was logged about them."""

QUIET = 60.0
"""Seconds between two lines about connections that are refused."""


class Told:
    """Remembers what has been logged. ``now`` tells the time in seconds."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._hosts: set[str] = set()
        self._count = 0
        self._last: float | None = None
        self._log = Logger()

    def of_request(self, request: Request) -> None:
        """``request`` is none. TLS on this port is logged once for each address."""
        host = request.peer.host
        if request.method != TLS or host in self._hosts:
            return
        if len(self._hosts) >= TOLD:
            self._hosts.clear()
        self._hosts.add(host)
        self._log.warn(
            "{host} speaks TLS to this port, which is for plain HTTP; configure"
            " http.tls, or have it use http://",
            host=host,
        )

    def of_connection(self, error: RegistryError) -> None:
        """A connection is refused with ``error``; logged at most once a minute."""
        self._count += 1
        now = self._now()
        if self._last is not None and now - self._last < QUIET:
            return
        self._log.warn(
            "connections refused: {count}, the last because of {why}; see http.limits",
            count=self._count,
            why=error.message,
        )
        self._last, self._count = now, 0
