"""The factory of channels: what all connections of a listener share.

It holds the endpoints, the resource tree, the limits, and the connections themselves,
whose deadlines it looks after with one LoopingCall instead of a timer for each.

Read next: ``api.py`` (what answers ``/v2/``), ``tree.py`` (what answers the rest).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Any, Protocol

import attrs
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import (
    IAddress,
    ISSLTransport,
    ITransport,
)
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.internet.tcp import Connection
from twisted.logger import Logger
from twisted.python.failure import Failure

from registry.web.channel import Channel
from registry.web.crowd import Crowd, Visitor
from registry.web.limits import KIB, Limits
from registry.web.memory import Memory
from registry.web.peer import X_FORWARDED_FOR, Network, Peer, identify
from registry.web.request import Request
from registry.web.response import Response
from registry.web.socket_wire import ReadAhead, SocketWire, WireReactor
from registry.web.tls_transport import TLSTransport
from registry.web.tls_wire import PART, TLSWire
from registry.web.told import Told
from registry.web.transport_wire import TransportWire
from registry.web.tree import Tree
from registry.web.turned_away import TurnedAway
from registry.web.wire import Wire

HEADS = 4 * KIB
"""Bytes that are read at once where heads are due: few requests sent ahead fit in."""

BULK = 64 * KIB
"""Bytes that are read at once of a body."""

TURNED_AWAY = 64
"""Connections beyond the bounds that are told so at once; more are just dropped."""


class Responder(Protocol):
    """What answers the requests of the API; never raises."""

    async def respond(self, request: Request) -> Response:
        """The response to ``request``."""


class Observer(Protocol):
    """What is told of every answer: access log, metrics, events."""

    def started(self, request: Request) -> None:
        """``request`` is being answered from now on."""

    def answered(self, request: Request, response: Response, seconds: float) -> None:
        """``response`` has been sent, or its client has gone, after ``seconds``."""


@attrs.frozen(kw_only=True)
class Exposure:
    """Where the API stands, and what is said with every answer."""

    prefix: bytes = b"/"
    """What precedes ``v2/`` in a target, with both slashes."""

    headers: bytes = b""
    """Header lines that the operator adds to every answer."""


class Site(Factory):
    """Makes a Channel for every connection and watches over them."""

    noisy = False

    def __init__(
        self,
        *,
        api: Responder | None,
        tree: Tree,
        exposure: Exposure,
        limits: Limits,
        reactor: WireReactor,
        read_ahead: ReadAhead,
        trusted: Sequence[Network] = (),
        told_by: bytes = X_FORWARDED_FOR,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.tree = tree
        self.limits = limits
        self.is_draining = False
        self.in_progress = 0
        self.has_api = api is not None
        self.respond = _nothing if api is None else api.respond
        self.now = reactor.seconds
        self.memory = Memory(limit=limits.memory)
        self.crowd = Crowd(limits=limits, trusted=trusted)
        self.idle_timeout = limits.idle_timeout
        self.head_timeout = limits.head_timeout
        self.turned_away = 0
        self._api_prefix = exposure.prefix + b"v2/"
        self._api_root = exposure.prefix + b"v2"
        self._extra_lines = _extra_lines(exposure)
        self.fixed_lines = b""
        self._reactor = reactor
        self._read_ahead = read_ahead
        self._trusted = trusted
        self._told_by = told_by
        self.told = Told(now=self.now)
        self._observers = observers
        self._buffer = bytearray(PART)
        self._channels: set[Channel] = set()
        self._log = Logger()
        self._watch = LoopingCall(self._check)
        self._watch.clock = reactor
        self._date()

    def buildProtocol(self, addr: IAddress | None) -> Channel | None:
        """A channel for a new connection; None for one that is dropped."""
        error = self.crowd.refusal(getattr(addr, "host", None))
        if error is None:
            return Channel(site=self)
        self.told.of_connection(error)
        if self.turned_away >= TURNED_AWAY:
            return None
        return TurnedAway(site=self, error=error)

    def start(self) -> None:
        """Begin to watch over connections."""
        self._watch.start(1.0, now=True)

    def stop(self) -> None:
        """Drop every connection that is left."""
        if self._watch.running:
            self._watch.stop()
        for channel in list(self._channels):
            channel.abort()

    def adopt(
        self,
        *,
        api: Responder | None,
        exposure: Exposure,
        limits: Limits,
        trusted: Sequence[Network] = (),
        told_by: bytes = X_FORWARDED_FOR,
        observers: Sequence[Observer] = (),
    ) -> None:
        """Serve by these from now on; connections that are open keep their limits.

        Where the API stands, and whether there is one, does not change.
        """
        if api is not None:
            self.respond = api.respond
        self.limits = limits
        self.memory.limit = limits.memory
        self.crowd.adopt(limits, trusted)
        self._extra_lines = _extra_lines(exposure)
        self._trusted = trusted
        self._told_by = told_by
        self._observers = observers
        self._check()

    # What channels ask.

    def is_api(self, request: Request) -> bool:
        """Whether ``request`` is the API's to answer."""
        if not self.has_api:
            return False
        target = request.target
        return target.startswith(self._api_prefix) or (
            target.partition(b"?")[0] == self._api_root
        )

    def identify(self, transport: ITransport) -> tuple[Peer, bool]:
        """Who is at the other end, and whether the connection is encrypted."""
        address = transport.getPeer()
        if isinstance(address, IPv4Address | IPv6Address):
            peer = identify(address.host, address.port, self._trusted, self._told_by)
        else:
            peer = Peer(
                "unix",
                0,
                is_trusted_proxy=True,
                trusted=self._trusted,
                told_by=self._told_by,
            )
        is_secure = isinstance(transport, TLSTransport)
        return peer, is_secure or ISSLTransport.providedBy(transport)

    def wire(self, transport: ITransport, failed: Callable[[], object]) -> Wire:
        """The best way to write to ``transport``."""
        if isinstance(transport, TLSTransport):
            return TLSWire(
                transport=transport, clock=self._reactor, buffer=self._buffer
            )
        if isinstance(transport, Connection) and not ISSLTransport.providedBy(
            transport
        ):
            if isinstance(transport.getPeer(), IPv4Address | IPv6Address):
                transport.setTcpNoDelay(True)
            transport.bufferSize = HEADS
            return SocketWire(
                connection=transport.getHandle(),
                reactor=self._reactor,
                read_ahead=self._read_ahead,
                failed=failed,
            )
        return TransportWire(transport=transport, clock=self._reactor)

    def finish_sending(self, transport: ITransport | None) -> None:
        """Close our side of a connection; the client may still send."""
        half_close = getattr(transport, "loseWriteConnection", None)
        if half_close is not None:
            half_close()
        elif transport is not None:
            transport.loseConnection()

    def read_bulk(self, transport: Any, bulk: bool) -> None:  # noqa: ANN401
        """Read much or little at a time from ``transport``, if it is a socket's."""
        if isinstance(transport, TLSTransport):
            transport = transport.transport
        if isinstance(transport, Connection):
            transport.bufferSize = BULK if bulk else HEADS

    def opened(self, channel: Channel, host: str) -> Visitor:
        """A connection has begun."""
        self._channels.add(channel)
        return self.crowd.entered(host)

    def closed(self, channel: Channel, visitor: Visitor) -> None:
        """A connection has ended."""
        self._channels.discard(channel)
        self.crowd.left(visitor)

    def watch(self, channel: Channel) -> None:
        """A connection that is turned away has begun."""
        self._channels.add(channel)
        self.turned_away += 1

    def forget(self, channel: Channel) -> None:
        """A connection that was turned away has ended."""
        self._channels.discard(channel)
        self.turned_away -= 1

    def later(self, call: Callable[[], object]) -> None:
        """Do ``call`` after others have had their turn."""
        self._reactor.callLater(0, call)

    def started(self, request: Request) -> None:
        """A request is being answered from now on."""
        self.in_progress += 1
        for observer in self._observers:
            observer.started(request)

    def answered(self, request: Request, response: Response) -> None:
        """A response is on its way, or its client has gone."""
        self.in_progress -= 1
        seconds = self.now() - request.started
        for observer in self._observers:
            observer.answered(request, response, seconds)

    def crashed(self, reason: Failure) -> None:
        """Something failed that should not have; the connection is cut."""
        self._log.failure("a connection failed", failure=reason)

    # Time.

    def _check(self) -> None:
        self._date()
        self._hurry()
        now = self.now()
        for channel in list(self._channels):
            channel.check(now)

    def _hurry(self) -> None:
        """Have those that do nothing leave sooner when there are nearly too many."""
        limits = self.limits
        crowded = self.crowd.connections >= limits.crowded
        longest = limits.hurried_timeout if crowded else math.inf
        self.idle_timeout = min(limits.idle_timeout, longest)
        self.head_timeout = min(limits.head_timeout, longest)

    def _date(self) -> None:
        date = formatdate(self._reactor.seconds(), usegmt=True).encode("ascii")
        self.fixed_lines = b"Date: " + date + b"\r\n" + self._extra_lines

    def drain(self) -> None:
        """Answer what is being served, then close; idle connections close at once."""
        self.is_draining = True
        for channel in list(self._channels):
            if channel.is_idle:
                channel.close()

    @property
    def unfinished(self) -> int:
        """Requests that are being answered, or whose head has begun to arrive."""
        return self.in_progress + sum(one.has_begun for one in self._channels)

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._channels)


def _extra_lines(exposure: Exposure) -> bytes:
    return b"Docker-Distribution-Api-Version: registry/2.0\r\n" + exposure.headers


async def _nothing(request: Request) -> Response:
    """The answer of a site without an API, which is never asked for one."""
    raise AssertionError(request.target)
