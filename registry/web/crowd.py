"""The crowd: who is connected, from where, and whether one more is too many.

Connections are counted when they come and go. Requests are counted only while they
wait for something: one that is answered where it was started never stands beside
another. So most requests cost two comparisons.

A visitor is an address: an IPv6 client has a whole network of 64 bits, and counts as
that. A visitor behind a trusted proxy is known by what the proxy tells, request by
request. What is exempt has a visitor too, without bounds.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence
from functools import lru_cache

import attrs

from registry.core.errors import Busy, RegistryError, TooManyRequests
from registry.web.limits import Limits
from registry.web.peer import Network, address_of

HOME = 64
"""Bits of the network that one IPv6 client has to itself. RFC 6177."""

PROXY = "proxies"
"""The visitor that all trusted proxies and Unix sockets are."""


@attrs.define(eq=False)
class Visitor:
    """An address, and what it has open now. ``request_limit`` may be infinite."""

    name: str
    connection_limit: float
    request_limit: float
    connections: int = 0
    requests: int = 0


class Crowd:
    """All visitors of one site."""

    def __init__(self, *, limits: Limits, trusted: Sequence[Network] = ()) -> None:
        self._visitors: dict[str, Visitor] = {}
        self._name = lru_cache(maxsize=4096)(self._name_of)
        self.connections = 0
        self.adopt(limits, trusted)

    def __len__(self) -> int:
        return len(self._visitors)

    def adopt(self, limits: Limits, trusted: Sequence[Network]) -> None:
        """Have other bounds from now on; whoever is here keeps theirs until they go."""
        self._limits = limits
        self._trusted = tuple(trusted)
        self._exempt = (*limits.exempt, *trusted)
        self._name.cache_clear()

    def refusal(self, host: str | None) -> RegistryError | None:
        """Why no connection from ``host`` is taken now, if so; None for a socket."""
        if self.connections >= self._limits.connections:
            return Busy("too many connections; try again")
        visitor = self._visitors.get(self._name(host)[0])
        if visitor is None or visitor.connections < visitor.connection_limit:
            return None
        return TooManyRequests(f"too many connections from {visitor.name}; use fewer")

    def entered(self, host: str | None) -> Visitor:
        """A connection from ``host`` has begun."""
        visitor = self.at(host)
        visitor = self._visitors.setdefault(visitor.name, visitor)
        visitor.connections += 1
        self.connections += 1
        return visitor

    def left(self, visitor: Visitor) -> None:
        """A connection of ``visitor`` has ended."""
        visitor.connections -= 1
        self.connections -= 1
        self._forget(visitor)

    def at(self, host: str | None) -> Visitor:
        """The visitor at ``host``; a new one is nobody's until it has something."""
        name, is_exempt = self._name(host)
        visitor = self._visitors.get(name)
        if visitor is not None:
            return visitor
        if is_exempt:
            return Visitor(name, math.inf, math.inf)
        limits = self._limits
        return Visitor(name, limits.address_connections, limits.address_requests)

    def too_many(self, visitor: Visitor) -> RegistryError:
        """Why a request of ``visitor`` is not answered now."""
        if visitor.requests < visitor.request_limit:
            return Busy("too many requests at once; try again")
        return TooManyRequests(
            f"too many requests at once from {visitor.name}; use fewer"
        )

    def waits(self, visitor: Visitor) -> Visitor:
        """A request cannot be answered at once; whom to give to ``went_on`` then."""
        visitor = self._visitors.setdefault(visitor.name, visitor)
        visitor.requests += 1
        return visitor

    def went_on(self, visitor: Visitor) -> None:
        """A request that waited has been answered."""
        visitor.requests -= 1
        self._forget(visitor)

    def _forget(self, visitor: Visitor) -> None:
        if not (visitor.connections or visitor.requests):
            del self._visitors[visitor.name]

    def _name_of(self, host: str | None) -> tuple[str, bool]:
        """What a visitor is counted as, and whether it has no bounds of its own."""
        address = None if host is None else address_of(host)
        if address is None or any(address in network for network in self._trusted):
            return PROXY, True
        is_exempt = any(address in network for network in self._exempt)
        if address.version == 4:
            return str(address), is_exempt
        home = ipaddress.IPv6Network((address.packed, HOME), strict=False)
        return str(home), is_exempt
