"""The rest of the URL space: an ordinary tree of twisted.web resources.

Every child of the root but the API is an ``IResource``, rendered by an unmodified
``twisted.web.server.Request``. For that Request, a ``ResourceExchange`` plays the part
of its HTTP channel, as Twisted's own HTTP/2 streams do. So status pages, metrics, or
whatever an operator mounts need no new API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet._producer_helpers import (  # as Twisted's own channels do
    _PullToPush,
)
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IConsumer, IProducer
from twisted.python.failure import Failure
from twisted.web import server
from twisted.web.http_headers import Headers
from twisted.web.resource import IResource
from zope.interface import implementer

from registry.core.errors import Busy, SizeInvalid
from registry.web.body import BodyBroken, BodyTooLarge
from registry.web.problem import problem, refusal
from registry.web.request import Request
from registry.web.response import NO_BODY, Response, connection_line, header_lines

if TYPE_CHECKING:
    from registry.web.channel import Channel

BODY_LIMIT = 1024 * 1024
"""Bytes of a body that a resource may be sent: twisted.web holds it in memory."""


class Tree:
    """Renders the resources below ``root``."""

    def __init__(self, *, root: IResource) -> None:
        self.site = server.Site(root, parsePOSTFormSubmission=False)

    async def serve(self, request: Request, channel: Channel) -> None:
        """Have the resource at the request's path answer on ``channel``."""
        try:
            body = await request.body.whole(BODY_LIMIT)
        except (BodyTooLarge, BodyBroken, SizeInvalid, Busy) as error:
            response = _refused(error)
            await channel.answer(request, response)
            channel.site.answered(request, response)
            return
        exchange = ResourceExchange(request=request, channel=channel, site=self.site)
        await exchange.render(body)


def _refused(error: BodyTooLarge | BodyBroken | SizeInvalid | Busy) -> Response:
    """The answer to a request whose body could not be had."""
    match error:
        case BodyTooLarge():
            return refusal(413, str(error))
        case BodyBroken():
            return refusal(408, str(error))
        case SizeInvalid():
            return refusal(400, error.message)
    return problem(error)


@implementer(IConsumer)
class ResourceExchange:
    """The channel of one ``twisted.web.server.Request``."""

    factory = None  # the access log hangs on our own channel

    def __init__(
        self, *, request: Request, channel: Channel, site: server.Site
    ) -> None:
        self.site = site
        self.transport: Any = channel.transport
        self._request = request
        self._channel = channel
        self._stays = channel.settle(request)
        self._pending: list[bytes] = []
        self._writing = False
        self._finished = False
        self._producer: Any = None
        self._done: Deferred[None] = Deferred()
        self._answer = Response(200)

    async def render(self, body: bytes) -> None:
        """Answer with what the resource writes, and wait until it is sent."""
        inner = server.Request(self, queued=False)
        self._channel.exchange = self
        for name, value in self._request.headers.items():
            inner.requestHeaders.addRawHeader(name, value)
        inner.parseCookies()
        inner.gotLength(len(body))
        if body:
            inner.handleContentChunk(body)
        inner.requestReceived(
            self._request.method.encode("ascii"),
            self._request.target,
            b"HTTP/" + self._request.version.encode("ascii"),
        )
        try:
            await self._done
        except ConnectionLost as error:
            inner.connectionLost(Failure(error))
            return
        finally:
            self._channel.exchange = None
            self._channel.site.answered(self._request, self._answer)
        if not self._stays:
            self._channel.close()

    # What the Request calls.

    def writeHeaders(
        self, version: bytes, code: bytes, reason: bytes, headers: Headers
    ) -> None:
        """The status line and headers."""
        del version
        lines = [b"HTTP/1.1 ", code, b" ", reason, b"\r\n"]
        if not self._is_delimited(int(code), headers):
            self._stays = False
        for name, values in headers.getAllRawHeaders():
            if name == b"Connection":
                self._stays = self._stays and b"close" not in b",".join(values).lower()
                continue
            if name == b"Content-Length" and int(code) in NO_BODY:
                continue  # twisted.web counts the bytes of an empty 204. RFC 9110 8.6
            for value in values:
                pair = name.decode("latin-1"), value.decode("latin-1")
                lines.append(header_lines(pair))
        lines.append(connection_line(self._request, stays=self._stays))
        self._answer.status = int(code)
        self.write(b"".join(lines))

    def _is_delimited(self, status: int, headers: Headers) -> bool:
        """Whether a client finds the end of the answer without its connection's."""
        return (
            headers.hasHeader(b"Content-Length")
            or headers.hasHeader(b"Transfer-Encoding")
            or self._request.method == "HEAD"
            or status in NO_BODY
        )

    def write(self, data: bytes) -> None:
        """More of the answer; held while the client is slower than the resource."""
        self._pending.append(data)
        self._answer.length += len(data)
        if not self._writing:
            self._flush()

    def writeSequence(self, data: list[bytes]) -> None:
        """Several pieces of the answer."""
        self.write(b"".join(data))

    def _flush(self) -> None:
        while self._pending:
            pending, self._pending = self._pending, []
            waiting = self._channel.wire.write([b"".join(pending)])
            if waiting is not None:
                self._writing = True
                if self._producer is not None:
                    self._producer.pauseProducing()
                waiting.addCallbacks(lambda _: self._drained(), self._lost)
                return
        if self._finished and not self._done.called:
            self._done.callback(None)

    def _drained(self) -> None:
        self._writing = False
        self._flush()
        if not self._writing and self._producer is not None:
            self._producer.resumeProducing()

    def _lost(self, reason: Failure) -> None:
        self._pending.clear()
        if self._producer is not None:
            self._producer.stopProducing()
        if not self._done.called:
            self._done.errback(reason)

    def disconnected(self) -> None:
        """The client has gone."""
        self._lost(Failure(ConnectionLost()))

    def requestDone(self, request: server.Request) -> None:
        """The resource has written all it had to."""
        del request
        self._finished = True
        if not self._writing:
            self._flush()

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """Take from ``producer`` as the client takes from us."""
        if not streaming:
            producer = _PullToPush(producer, self)
            producer.startStreaming()
        self._producer = producer
        if self._writing:
            self._producer.pauseProducing()

    def unregisterProducer(self) -> None:
        """The producer has no more."""
        stop = getattr(self._producer, "stopStreaming", None)
        self._producer = None
        if stop is not None:
            stop()

    def loseConnection(self) -> None:
        """A resource gave up: no client may take its answer for whole."""
        self._channel.abort()

    abortConnection = loseConnection

    def getPeer(self) -> Any:  # noqa: ANN401 - an IAddress of whatever transport
        """The client's address."""
        return self.transport.getPeer()

    def getHost(self) -> Any:  # noqa: ANN401 - an IAddress of whatever transport
        """Our address."""
        return self.transport.getHost()

    def isSecure(self) -> bool:
        """Whether the connection is encrypted."""
        return self._request.secure
