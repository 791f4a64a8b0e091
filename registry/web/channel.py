"""HTTP/1.1 on one connection: bytes in, requests out, answers back in order.

llhttp finds the requests; each is served by a coroutine. A coroutine that need not wait
(a cached manifest, say) runs to its end where it was started, without a Deferred or a
turn of the reactor. Requests that a client sends ahead wait in a queue; reading pauses
when it is long, when a body is not taken fast enough, or when nothing more is wanted.

A connection is in one of these states, and each has its deadline (``check``):

    idle -> head arriving -> serving (body arriving, working, sending) -> idle
    head arriving -> refused: answered, then read for a moment, then closed

Once the last request of a connection is known (refused, ``Connection: close``, a broken
body, the client's end) nothing more is parsed, and it closes when all is answered.

Nothing is cancelled when a client leaves: the body and the wire fail for whoever waits
on them, and the endpoint ends in its own way, with its locks and files in order.

Read next: ``head.py``, ``body.py``, ``site.py``.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
    HttpRequestParser,
)
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from registry.core.errors import UploadInvalid
from registry.web.body import EMPTY, Body, BodyBroken
from registry.web.continuation import resumed
from registry.web.head import Head, HeadRefused, too_long
from registry.web.problem import refusal
from registry.web.reframed import reframed_parser
from registry.web.request import Request
from registry.web.response import NO_BODY, STATUS_LINES, Response

if TYPE_CHECKING:
    from registry.web.site import Site
    from registry.web.tree import ResourceExchange

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@implementer(IHalfCloseableProtocol)
class Channel(Protocol):
    """The server's side of one connection."""

    def __init__(self, *, site: Site) -> None:
        self.site = site
        self._limits = site.limits
        self._parser = HttpRequestParser(self)
        self._head = Head()
        self._head_started: float | None = None
        self._framing_bytes = 0
        self._newest: Request | None = None
        self._arriving = EMPTY
        self._queue: deque[tuple[Request, Response | None]] = deque()
        self._serving: Request | None = None
        self._is_running = False
        self._body_full = False
        self._paused = False
        self._stops_parsing = False
        self._has_ended = False
        self._sends_on = False
        self._is_closing = False
        self._closes_until: float | None = None
        self.exchange: ResourceExchange | None = None
        self._last_received = 0.0

    # The connection.

    def connectionMade(self) -> None:
        """A client has come."""
        assert self.transport is not None  # noqa: S101 - makeConnection set it
        self.peer, self.is_secure = self.site.identify(self.transport)
        self.wire = self.site.wire(self.transport, self.abort)
        self._last_received = self.site.now()
        self.site.opened(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client has gone: whoever waits for it must know."""
        del reason
        self._is_closing = self._stops_parsing = True
        self._queue.clear()
        self.site.closed(self)
        self.wire.disconnected()
        self._arriving.broke(BodyBroken("the client went away"))
        if self.exchange is not None:
            self.exchange.disconnected()

    def readConnectionLost(self) -> None:
        """The client has said all that it had to say, and may still listen."""
        self._has_ended = self._stops_parsing = True
        self._arriving.broke(
            UploadInvalid("the connection ended before the body; send all of it")
        )
        if self._is_closing:
            self.transport.loseConnection()  # type: ignore[union-attr]  # connected
        elif not self._is_running:
            self._run()

    def writeConnectionLost(self) -> None:
        """Our side is closed, as ``close`` wanted."""

    def abort(self) -> None:
        """Drop the connection without ceremony."""
        self._is_closing = True
        self.transport.abortConnection()  # type: ignore[union-attr]  # connected

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._stops_parsing:
            self._sends_on = True
            return
        self._last_received = self.site.now()
        if self._head_started is None and self._arriving.is_complete:
            self._head_started = self._last_received
        self._framing_bytes += len(data)
        self._feed(data)
        if self._framing_bytes > self._limits.head:
            self._refuse_framing()
        if not self._is_running:
            self._run()

    def _feed(self, data: bytes) -> None:
        while data and not self._stops_parsing:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self._ignore_upgrade()
            except HttpParserError as error:
                self._parse_failed(error)
                return
            else:
                return

    def _ignore_upgrade(self) -> None:
        """Nothing here to upgrade to: go on as if not asked. RFC 9110 7.8."""
        if self._arriving.is_complete:
            self._parser = HttpRequestParser(self)
        else:
            self._parser = reframed_parser(self, length=self._arriving.length)

    def _parse_failed(self, error: HttpParserError) -> None:
        if self._stops_parsing:
            self._sends_on = True  # bytes after the last request of this connection
        elif isinstance(error, HttpParserCallbackError):
            self._callback_failed(error.__context__)
        elif not self._arriving.is_complete:
            self._body_malformed(str(error))
        elif isinstance(error, HttpParserInvalidMethodError):
            self._refuse(501, "this method is not known here")
        elif "version" in str(error).lower() or "PRI/" in str(error):
            self._refuse(505, "this server speaks HTTP/1.1 and HTTP/1.0")
        else:
            self._refuse(400, f"the request is malformed: {error}")

    def _callback_failed(self, cause: BaseException | None) -> None:
        if isinstance(cause, HeadRefused):
            method = self._parser.get_method().decode("ascii")
            self._refuse(cause.status, cause.message, method=method)
            return
        self.site.crashed(Failure(cause))
        self._refuse(500, "the registry failed; its log says why")

    def _refuse_framing(self) -> None:
        """Too many bytes have come that are no body: of a head, trailers, sizes."""
        if self._stops_parsing:
            return
        if self._arriving.is_complete:
            refused = too_long(self._limits)
            self._refuse(refused.status, refused.message)
        else:
            self._body_malformed("too many bytes are around its chunks")

    def _body_malformed(self, reason: str) -> None:
        self._stops_parsing = True
        self._arriving.broke(UploadInvalid(f"the body is malformed: {reason}"))

    # What the parser finds. It raises what these raise as HttpParserCallbackError.

    def on_message_begin(self) -> None:
        """A request starts."""
        self._head = Head()
        self._head_started = self._last_received
        self._framing_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Part of the target."""
        self._head.target_received(url, self._limits)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or after the body a trailer, which nobody here wants."""
        if not self._head.is_complete:
            self._head.header_received(name, value, self._limits)

    def on_headers_complete(self) -> None:
        """The head is whole: the request can be served."""
        head, parser = self._head, self._parser
        head.is_complete = True
        self._head_started = None
        self._framing_bytes = 0
        version = parser.get_http_version()
        method = parser.get_method().decode("ascii")
        head.check(version, method)
        length = head.body_length
        if length == 0:
            body = EMPTY
        else:
            body = Body(length=length, flow=self, bound=self._limits.buffered)
        self._arriving = body
        self._newest = request = Request(
            method,
            head.target,
            version,
            head.headers,
            body,
            self.peer,
            keep_alive=head.wants_to_stay(version),
            secure=self.is_secure,
            started=self._last_received,
        )
        self._queue.append((request, None))
        if len(self._queue) >= self._limits.pipelined:
            self._pace()

    def on_body(self, data: bytes) -> None:
        """Part of the body."""
        body = self._arriving
        body.chunk_received(data)
        self._framing_bytes = 0
        if body.is_discarding and body.received > self._limits.discarded:
            self._stops_parsing = True

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._arriving is not EMPTY:
            if self._parser.should_upgrade():
                return  # the body is still to come, to another parser
            self._arriving.completed()
        self._framing_bytes = 0
        if self._newest is not None and not self._newest.keep_alive:
            self._stops_parsing = True

    # The flow of the arriving body.

    def wanted(self) -> None:
        """An endpoint wants the body: let a careful client send it."""
        if self._waits_for_leave and not self._arriving.received:
            sending = self.wire.write([CONTINUE])
            if sending is not None:
                sending.addErrback(lambda _: None)  # whoever waits for the body hears

    @property
    def _waits_for_leave(self) -> bool:
        """Whether the client of the newest request sends its body when told to."""
        newest = self._newest
        return newest is not None and self._head.expects_continue(newest.version)

    def pause(self) -> None:
        """Enough of the body waits to be taken."""
        self._body_full = True
        self._pace()

    def resume(self) -> None:
        """There is room for more of the body."""
        self._body_full = False
        self._pace()

    def _pace(self) -> None:
        """Read from the client, or not, as the queues have room."""
        should_pause = self._body_full or len(self._queue) >= self._limits.pipelined
        if should_pause == self._paused or self._is_closing or self._has_ended:
            return
        self._paused = should_pause
        if should_pause:
            self.transport.pauseProducing()  # type: ignore[union-attr]  # connected
        else:
            self._last_received = self.site.now()
            if self._head_started is not None:
                self._head_started = self._last_received
            self.transport.resumeProducing()  # type: ignore[union-attr]  # connected

    # Serving.

    def _refuse(self, status: int, message: str, *, method: str = "GET") -> None:
        """Answer what cannot be served, after what came before it; then close."""
        self._stops_parsing = self._sends_on = True
        self._head_started = None
        request = Request(
            method,
            self._head.target,
            "1.1",
            self._head.headers,
            EMPTY,
            self.peer,
            keep_alive=False,
            secure=self.is_secure,
            started=self._last_received,
        )
        code = "SIZE_INVALID" if status == 413 else "UNSUPPORTED"
        self._queue.append((request, refusal(status, message, code=code)))

    def _run(self) -> None:
        """Serve the queue in order, until something must be waited for."""
        self._is_running = True
        while self._queue and not self._is_closing:
            request, response = self._queue.popleft()
            self._serving = request
            serving = self._serve(request, response)
            try:
                waiting = serving.send(None)
            except StopIteration:
                continue
            except Exception:  # noqa: BLE001 - the edge: logged, and the client cut off
                self._crashed(Failure())
                return
            Deferred.fromCoroutine(resumed(serving, waiting)).addCallbacks(
                lambda _: self._run(), self._crashed
            )
            return
        self._is_running = False
        self._serving = None
        if self._stops_parsing and not self._is_closing:
            self.close()
        else:
            self._pace()

    def _crashed(self, reason: Failure) -> None:
        self.site.crashed(reason)
        self.abort()

    async def _serve(self, request: Request, response: Response | None) -> None:
        if response is None:
            self.site.started(request)
            if not self.site.is_api(request):
                await self.site.tree.serve(request, self)
                return
            response = await self.site.respond(request)
        try:
            await self.answer(request, response)
        finally:
            response.close()
            self.site.answered(request, response)

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
        if self._has_ended and not self._queue:
            stays = False
        if body.is_complete:
            return stays
        unasked = self._waits_for_leave and not body.is_wanted
        long = body.length is not None and body.length > self._limits.discarded
        body.discard()
        return stays and not (unasked or long or body.is_broken)

    def close(self) -> None:
        """Close once the answer has arrived; until then read and drop what comes.

        Closing a socket that holds unread bytes resets the connection, and a reset may
        overtake the answer. So where the client may still be sending, only our own side
        is closed, for a moment.
        """
        self._stops_parsing = self._is_closing = True
        self._closes_until = self.site.now() + self._limits.linger_timeout
        self.wire.finish()
        is_heard = self._arriving.is_complete and not self._sends_on
        if is_heard or self._has_ended:
            self.transport.loseConnection()  # type: ignore[union-attr]  # connected
            return
        if self._paused:
            self.transport.resumeProducing()  # type: ignore[union-attr]  # connected
        self.site.finish_sending(self.transport)

    # Deadlines.

    def check(self, now: float) -> None:
        """Act on what takes too long; called about once a second."""
        if self._closes_until is not None:
            if now >= self._closes_until:
                self.abort()
        elif not self._is_closing:
            self._check_open(now)

    def _check_open(self, now: float) -> None:
        limits = self._limits
        silence = 0.0 if self._paused else now - self._last_received
        if self.wire.is_sending:
            if now - self.wire.last_progress > limits.send_timeout:
                self.abort()
        elif not self._arriving.is_complete:
            if silence > limits.body_timeout:
                self._body_stalled()
        elif self._serving is None:
            self._check_waiting(now)

    def _check_waiting(self, now: float) -> None:
        """Check a connection from which the next request, or the rest of it, is due."""
        if self._head_started is None:
            if now - self._last_received > self._limits.idle_timeout:
                self.close()
        elif now - self._head_started > self._limits.head_timeout:
            self._refuse(408, "the headers did not arrive in time")
            self._run()

    def _body_stalled(self) -> None:
        if self._arriving.is_awaited:
            self._stops_parsing = True
            self._arriving.broke(BodyBroken("the body did not arrive in time"))
        elif self._serving is None:
            self.abort()

    @property
    def is_idle(self) -> bool:
        """Whether closing now would cut nothing off."""
        return self._serving is None and not self._queue and self._arriving.is_complete


def connection_line(request: Request, *, stays: bool) -> bytes:
    """The Connection header that this client needs, and the end of the head."""
    if not stays:
        return b"Connection: close\r\n\r\n"
    if request.version == "1.0":
        return b"Connection: keep-alive\r\n\r\n"
    return b"\r\n"
