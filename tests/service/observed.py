"""Requests and answers as the web layer makes them, for those who are told of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import IResource, Resource

from registry.auth.authenticator import Principal
from registry.storage.readahead import ReadAhead
from registry.storage.workers import Inline
from registry.web.body import EMPTY
from registry.web.limits import Limits
from registry.web.peer import Peer
from registry.web.request import Request
from registry.web.site import Exposure, Observer, Responder, Site
from registry.web.tree import Tree


def request_for(
    target: str = "/v2/",
    *,
    method: str = "GET",
    headers: dict[bytes, bytes] | None = None,
    user: str | None = None,
    is_proxied: bool = False,
    started: float = 0.0,
) -> Request:
    """A request without a body."""
    request = Request(
        method,
        target.encode("latin-1"),
        "1.1",
        headers or {},
        EMPTY,
        Peer("192.0.2.7", 4711, is_trusted_proxy=is_proxied),
        keep_alive=True,
        secure=False,
        started=started,
    )
    request.principal = Principal(user)
    return request


def site_for(
    api: Responder,
    *,
    reactor: Any,
    observers: Sequence[Observer] = (),
    root: IResource | None = None,
) -> Site:
    """The web layer around ``api`` and ``root``."""
    return Site(
        api=api,
        tree=Tree(root=root or Resource()),
        exposure=Exposure(),
        limits=Limits(),
        reactor=reactor,
        read_ahead=ReadAhead(workers=Inline()),
        observers=observers,
    )


def turn(reactor: IReactorTime, seconds: float = 0.0) -> Deferred[None]:
    """Fires in the reactor's next turn, or after ``seconds``."""
    waiting: Deferred[None] = Deferred()
    reactor.callLater(seconds, waiting.callback, None)
    return waiting
