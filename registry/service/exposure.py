"""How the API is shown to clients, and what a connection may cost, as configured."""

from __future__ import annotations

from registry.config.schema import Configuration
from registry.web.limits import Limits
from registry.web.response import header_lines
from registry.web.site import Exposure

FOREVER = float("inf")
"""Seconds of a wait that the configuration leaves open."""


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
    """The bounds of ``http.limits`` and ``http.timeouts``; 0 seconds mean no bound."""
    limits, timeouts = config.http.limits, config.http.timeouts
    return Limits(
        head=limits.header,
        headers=limits.headers,
        target=limits.url,
        head_timeout=timeouts.header or FOREVER,
        idle_timeout=timeouts.idle or FOREVER,
        body_timeout=timeouts.body or FOREVER,
        send_timeout=timeouts.send or FOREVER,
    )
