"""HTTP/1.1 on one connection: bytes in, requests out, answers back in order.

``arrivals.py`` finds the requests; each is served by a coroutine. One that need not
wait (a cached manifest, say) runs to its end where it was started, without a Deferred
or a turn of the reactor. Requests that a client sends ahead wait in a queue; reading
pauses when it is long, or when a body is not taken fast enough.

A connection is in one of these states, and each has its deadline (``check``):

    idle -> head arriving -> serving (body arriving, working, sending) -> idle
    head arriving -> refused: answered, then read for a moment, then closed

What a slow client holds is bounded: its head, its body's part of ``memory.py``, what it
sent ahead. Of many requests sent ahead ``turn`` are answered, then others get theirs.

Once the last request of a connection is known (refused, ``Connection: close``, a broken
body, the client's end) nothing more is parsed, and it closes when all is answered.

Nothing is cancelled when a client leaves: the body and the wire fail for whoever waits
on them, and the endpoint ends in its own way, with its locks and files in order.

Read next: ``arrivals.py``, ``body.py``, ``reading.py``, ``crowd.py``, ``site.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from registry.web.arrivals import Arrivals
from registry.web.body import EMPTY, BodyBroken
from registry.web.continuation import resumed
from registry.web.deadlines import Deadlines
from registry.web.location import client_address
from registry.web.problem import problem
from registry.web.reading import Reading
from registry.web.request import Request
from registry.web.response import NO_BODY, STATUS_LINES, Response, connection_line

if TYPE_CHECKING:
    from registry.web.crowd import Visitor
    from registry.web.site import Site
    from registry.web.tree import ResourceExchange


@implementer(IHalfCloseableProtocol)
class Channel(Protocol):
    """The server's side of one connection."""

    def __init__(self, *, site: Site) -> None:
        self.site = site
        self._limits = site.limits
        self._serving: Request | None = None
        self._is_running = False
        self.has_ended = False
        self.is_closing = False
        self._closes_until: float | None = None
        self.exchange: ResourceExchange | None = None

    # The connection.

    def connectionMade(self) -> None:
        """A client has come."""
        assert self.transport is not None  # noqa: S101 - makeConnection set it
        peer, is_secure = self.site.identify(self.transport)
        self.reading = Reading(channel=self, limits=self._limits)
        self.arrivals = Arrivals(
            limits=self._limits,
            memory=self.site.memory,
            peer=peer,
            is_secure=is_secure,
            flow=self.reading,
            crashed=self.site.crashed,
            now=self.site.now(),
        )
        self.wire = self.site.wire(self.transport, self.abort)
        self.deadlines = Deadlines(channel=self, limits=self._limits)
        self._visitor = self._asking = self._enter(peer.host)

    def _enter(self, host: str) -> Visitor:
        """Be counted among the connections."""
        return self.site.opened(self, host)

    def _leave(self) -> None:
        self.site.closed(self, self._visitor)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client has gone: whoever waits for it must know."""
        del reason
        self.is_closing = True
        for request, _ in self.arrivals.requests:
            request.body.discard()
        self.arrivals.requests.clear()
        self._leave()
        self.wire.disconnected()
        self.arrivals.stop(BodyBroken("the client went away"))
        if self.exchange is not None:
            self.exchange.disconnected()

    def readConnectionLost(self) -> None:
        """The client has said all that it had to say, and may still listen."""
        self.has_ended = True
        self.arrivals.ended()
        if self.is_closing:
            self.transport.loseConnection()  # type: ignore[union-attr]  # connected
        elif not self._is_running:
            self._run()

    def writeConnectionLost(self) -> None:
        """Our side is closed, as ``close`` wanted."""

    def abort(self) -> None:
        """Drop the connection without ceremony."""
        self.is_closing = True
        self.transport.abortConnection()  # type: ignore[union-attr]  # connected

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the client."""
        self.arrivals.received(data, self.site.now())
        if not self._is_running:
            self._run()
        if self.arrivals.requests:
            self.reading.sent_ahead(len(data))

    # Serving.

    def _run(self) -> None:
        """Serve the queue in order, until something must be waited for."""
        self._is_running = True
        requests = self.arrivals.requests
        left = self._limits.turn
        while requests and not self.is_closing:
            if not left:
                self.site.later(self._run)
                return
            left -= 1
            request, response = requests.popleft()
            self._serving = request
            serving = self._serve(request, response)
            try:
                waiting = serving.send(None)
            except StopIteration:
                continue
            except Exception:  # noqa: BLE001 - the edge: logged, and the client cut off
                self._crashed(Failure())
                return
            visitor = self.site.crowd.waits(self._asking)
            rest = Deferred.fromCoroutine(resumed(serving, waiting))
            rest.addBoth(self._went_on, visitor)
            return
        self._is_running = False
        self._serving = None
        if self.arrivals.is_over and not self.is_closing:
            self.close()
        else:
            self.reading.all_answered()

    def _went_on(self, failed: Failure | None, visitor: Visitor) -> None:
        """A request that had to be waited for is answered."""
        self.site.crowd.went_on(visitor)
        if failed is None:
            self._run()
        else:
            self._crashed(failed)

    def _crashed(self, reason: Failure) -> None:
        self.site.crashed(reason)
        if self._serving is not None:
            self._serving.body.discard()
        self.abort()

    async def _serve(self, request: Request, response: Response | None) -> None:
        self.site.started(request)
        if response is None:
            response = self._crowded(request)
        else:
            self.site.told.of_request(request)
        if response is None:
            if not self.site.is_api(request):
                await self.site.tree.serve(request, self)
                return
            response = await self.site.respond(request)
        try:
            await self.answer(request, response)
        finally:
            response.close()
            self.site.answered(request, response)

    def _crowded(self, request: Request) -> Response | None:
        """The refusal of ``request`` if too many others are being answered."""
        site, visitor = self.site, self._visitor
        if request.peer.is_trusted_proxy:
            visitor = site.crowd.at(client_address(request))
        self._asking = visitor
        if (
            visitor.requests < visitor.request_limit
            and site.in_progress <= self._limits.requests
        ):
            return None
        return problem(site.crowd.too_many(visitor))

    async def answer(self, request: Request, response: Response) -> None:
        """Send ``response`` and make the connection ready for what comes next."""
        stays = self.settle(request)
        length = response.length
        with_body = request.method != "HEAD" and response.status not in NO_BODY
        parts = [STATUS_LINES[response.status], self.site.fixed_lines, response.head]
        if response.status not in NO_BODY:
            parts.append(b"Content-Length: %d\r\n" % length)
        parts.append(connection_line(request, stays=stays))
        if with_body and response.body:
            parts.append(response.body)
        segments = [b"".join(parts)]
        if with_body and response.segments:
            segments += response.segments  # type: ignore[arg-type]  # a wider list
        waiting = self.wire.write(segments)
        if waiting is not None:
            try:
                await waiting
            except ConnectionLost:
                return
        if not stays:
            self.close()

    def settle(self, request: Request) -> bool:
        """Decide what becomes of an unread body, and whether the connection stays.

        A short rest is read and dropped. A long one is not worth its bytes, and a
        client that still waits for 100 Continue may or may not send it: then the
        connection closes after the answer.
        """
        body = request.body
        stays = request.keep_alive and not self.site.is_draining
        if self.has_ended and not self.arrivals.requests:
            stays = False
        if body is EMPTY:
            return stays
        self.reading.in_bulk(False)
        if body.is_complete:
            body.discard()
            return stays
        unasked = self.arrivals.waits_for_leave and not body.is_wanted
        long = body.length is not None and body.length > self._limits.discarded
        body.discard()
        return stays and not (unasked or long or body.is_broken)

    def close(self) -> None:
        """Close once the answer has arrived; until then read and drop what comes.

        Closing a socket that holds unread bytes resets the connection, and a reset may
        overtake the answer. So where the client may still be sending, only our own side
        is closed, for a moment.
        """
        arrivals = self.arrivals
        arrivals.is_over = self.is_closing = True
        self._closes_until = self.site.now() + self._limits.linger_timeout
        self.wire.finish()
        is_heard = arrivals.body.is_complete and not arrivals.has_surplus
        if is_heard or self.has_ended:
            self.transport.loseConnection()  # type: ignore[union-attr]  # connected
            return
        if self.reading.is_paused:
            self.transport.resumeProducing()  # type: ignore[union-attr]  # connected
        self.site.finish_sending(self.transport)

    # Deadlines, which ``deadlines.py`` knows.

    def check(self, now: float) -> None:
        """Act on what takes too long; called about once a second."""
        if self._closes_until is not None:
            if now >= self._closes_until:
                self.abort()
        elif not self.is_closing:
            self.deadlines.check(now)

    def head_is_late(self) -> None:
        """Refuse a request whose head does not come to its end."""
        self.arrivals.refuse(408, "the headers did not arrive in time")
        self._run()

    @property
    def is_serving(self) -> bool:
        """Whether a request is being answered."""
        return self._serving is not None

    @property
    def is_idle(self) -> bool:
        """Whether closing now would cut nothing off."""
        return (
            self._serving is None
            and not self.arrivals.requests
            and self.arrivals.body.is_complete
            and not self.has_begun
        )

    @property
    def has_begun(self) -> bool:
        """Whether part of a head has arrived, and the rest can still come."""
        return self.arrivals.head_started is not None and not self.is_closing
