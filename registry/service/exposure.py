"""How the API is shown to clients, and what a connection may cost, as configured."""

from __future__ import annotations

from registry.config.schema import Configuration
from registry.service.descriptors import descriptor_limit
from registry.web.limits import Limits
from registry.web.response import header_lines
from registry.web.site import Exposure

NONE = float("inf")
"""A bound that the configuration leaves open."""

FOR_EACH = 2
"""Descriptors of a connection: its socket, and a file or once more the socket."""

OTHERS = 200
"""Descriptors of everything else: files kept open, workers' files, the log."""

LEAST = 16
"""Connections that are taken however few descriptors there are."""


def exposure(config: Configuration) -> Exposure:
    """Where the API stands, and ``http.headers``."""
    headers = [
        (name, value)
        for name, values in config.http.headers.items()
        for value in values
    ]
    return Exposure(
        prefix=(config.http.prefix or "/").encode("ascii"),
        headers=header_lines(*headers),
    )


def channel_limits(config: Configuration) -> Limits:
    """The bounds of ``http.limits`` and ``http.timeouts``; 0 of these mean none."""
    limits, timeouts = config.http.limits, config.http.timeouts
    return Limits(
        head=limits.header,
        headers=limits.headers,
        target=limits.url,
        memory=limits.memory,
        connections=_connections(limits.connections),
        address_connections=limits.connectionsperaddress or NONE,
        requests=limits.requests or NONE,
        address_requests=limits.requestsperaddress or NONE,
        exempt=limits.exempt,
        head_timeout=timeouts.header or NONE,
        idle_timeout=timeouts.idle or NONE,
        body_timeout=timeouts.body or NONE,
        body_rate=limits.bodyrate,
        takeover_timeout=timeouts.takeover or NONE,
        send_timeout=timeouts.send or NONE,
        send_rate=limits.sendrate,
    )


def shortage(config: Configuration) -> str | None:
    """What to do where fewer connections are taken than are wanted, if so."""
    taken, wanted = channel_limits(config).connections, config.http.limits.connections
    if taken >= wanted:
        return None
    return (
        f"takes {taken:g} connections at once and not {wanted}, for want of file"
        " descriptors; raise LimitNOFILE or ulimit -n, or lower http.limits.connections"
    )


def _connections(wanted: int) -> float:
    """As many connections as are wanted and there are descriptors for."""
    there_are = (descriptor_limit() - OTHERS) // FOR_EACH
    return max(LEAST, min(wanted or NONE, there_are))
