"""What arrives on one connection: bytes in, requests out, in their order.

llhttp finds the requests. What it cannot understand, and what this server does not
speak, becomes a request too, with its refusal: it is answered when its turn comes, and
nothing after it is looked at.

Read next: ``head.py``, ``body.py``, ``reframed.py``.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
    HttpRequestParser,
)
from twisted.python.failure import Failure

from registry.core.errors import UploadInvalid
from registry.web.body import EMPTY, Body, BodyBroken, Flow
from registry.web.head import Head, HeadRefused, too_long
from registry.web.limits import Limits
from registry.web.memory import Memory
from registry.web.pace import Pace
from registry.web.peer import Peer
from registry.web.problem import refusal
from registry.web.reframed import reframed_parser
from registry.web.request import Request
from registry.web.response import Response

_UNSPOKEN = re.compile("Invalid .*version|.*PRI/")
"""What llhttp says of a version of HTTP that it does not know."""

TLS = "TLS"
"""The method of what is no request but the beginning of TLS."""

_HANDSHAKE = b"\x16"
"""The first byte of TLS, and of no request. RFC 8446 5.1."""


class Arrivals:
    """The requests that a client sends. ``flow`` is told what their bodies need.

    ``requests`` wait to be served, each with its refusal if it has one. ``body`` is the
    newest's, and may still be arriving. ``head_started`` is when the first byte came of
    a head that is not whole yet. Once it ``is_over`` there are no more requests.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        memory: Memory,
        peer: Peer,
        is_secure: bool,
        flow: Flow,
        crashed: Callable[[Failure], None],
        now: float,
    ) -> None:
        self.requests: deque[tuple[Request, Response | None]] = deque()
        self.body = EMPTY
        self.head_started: float | None = None
        self.last_received = now
        self.is_over = False
        self.has_surplus = False
        self._limits = limits
        self._memory = memory
        self._peer = peer
        self._is_secure = is_secure
        self._flow = flow
        self._crashed = crashed
        self._parser = HttpRequestParser(self)
        self._head = Head()
        self._newest: Request | None = None
        self._framing_bytes = 0
        self._surplus = 0
        self._pace = Pace(now, 0)

    def received(self, data: bytes, now: float) -> None:
        """Bytes from the client."""
        if self.is_over:
            self.has_surplus = True
            self._surplus += len(data)
            if self._surplus > self._limits.lingered:
                self._flow.abort()
            return
        self.last_received = now
        if self.head_started is None and self.body.is_complete:
            self.head_started = now
        self._framing_bytes += len(data)
        self._feed(data)
        if self._framing_bytes > self._limits.head:
            self._refuse_framing()

    def waited(self, now: float) -> None:
        """The client was not read from until ``now``: it is not late."""
        self.last_received = now
        self._pace.restart(now, self.body.received)
        if self.head_started is not None:
            self.head_started = now

    def is_body_late(self, now: float) -> bool:
        """Whether the body, which is not whole and is read, has stopped or drips."""
        limits = self._limits
        timeout = limits.body_timeout
        if self.body.is_contested:
            timeout = min(timeout, limits.takeover_timeout)
        received = self.body.received
        return self._pace.is_late(now, received, timeout=timeout, rate=limits.body_rate)

    def ended(self) -> None:
        """The client has closed its sending side."""
        self.stop(UploadInvalid("the connection ended before the body; send all of it"))

    def stop(self, error: BodyBroken | UploadInvalid) -> None:
        """Expect no more; ``error`` is for the reader of a body that is not whole."""
        self.is_over = True
        self.body.broke(error)

    @property
    def waits_for_leave(self) -> bool:
        """Whether the newest request's client sends its body when told to."""
        newest = self._newest
        return newest is not None and self._head.expects_continue(newest.version)

    def refuse(self, status: int, message: str, *, method: str = "GET") -> None:
        """Have what cannot be served answered so, after what came before it."""
        self.is_over = self.has_surplus = True
        self.head_started = None
        request = Request(
            method,
            self._head.target,
            "1.1",
            self._head.headers,
            EMPTY,
            self._peer,
            keep_alive=False,
            secure=self._is_secure,
            started=self.last_received,
        )
        code = "SIZE_INVALID" if status == 413 else "UNSUPPORTED"
        self.requests.append((request, refusal(status, message, code=code)))

    def _feed(self, data: bytes) -> None:
        while data and not self.is_over:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self._ignore_upgrade()
            except HttpParserError as error:
                self._parse_failed(error, data)
                return
            else:
                return

    def _ignore_upgrade(self) -> None:
        """Nothing here to upgrade to: go on as if not asked. RFC 9110 7.8."""
        if self.body.is_complete:
            self._parser = HttpRequestParser(self)
        else:
            self._parser = reframed_parser(self, length=self.body.length)

    def _parse_failed(self, error: HttpParserError, data: bytes) -> None:
        if self.is_over:
            self.has_surplus = True  # bytes after the last request of this connection
        elif isinstance(error, HttpParserCallbackError):
            self._callback_failed(error.__context__)
        elif not self.body.is_complete:
            self._body_malformed(str(error))
        elif self._newest is None and data.startswith(_HANDSHAKE):
            message = "this port speaks plain HTTP; use a URL that begins with http://"
            self.refuse(400, message, method=TLS)
        elif isinstance(error, HttpParserInvalidMethodError):
            self.refuse(501, "this method is not known here")
        elif _UNSPOKEN.match(str(error)):
            self.refuse(505, "this server speaks HTTP/1.1 and HTTP/1.0")
        else:
            self.refuse(400, f"the request is malformed: {error}")

    def _callback_failed(self, cause: BaseException | None) -> None:
        if isinstance(cause, HeadRefused):
            method = self._parser.get_method().decode("ascii")
            self.refuse(cause.status, cause.message, method=method)
            return
        self._crashed(Failure(cause))
        self.refuse(500, "the registry failed; its log says why")

    def _refuse_framing(self) -> None:
        """Too many bytes have come that are no body: of a head, trailers, sizes."""
        if self.is_over:
            return
        if self.body.is_complete:
            refused = too_long(self._limits)
            self.refuse(refused.status, refused.message)
        else:
            self._body_malformed("too many bytes are around its chunks")

    def _body_malformed(self, reason: str) -> None:
        self.stop(UploadInvalid(f"the body is malformed: {reason}"))

    # What the parser finds. It raises what these raise as HttpParserCallbackError.

    def on_message_begin(self) -> None:
        """A request starts."""
        self._head = Head()
        self.head_started = self.last_received
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
        self.head_started = None
        self._framing_bytes = 0
        version = parser.get_http_version()
        method = parser.get_method().decode("ascii")
        head.check(version, method)
        length = head.body_length
        if length == 0:
            body = EMPTY
        else:
            body = Body(
                length=length,
                flow=self._flow,
                bound=self._limits.buffered,
                memory=self._memory,
            )
            self._pace.restart(self.last_received, 0)
        self.body = body
        self._newest = request = Request(
            method,
            head.target,
            version,
            head.headers,
            body,
            self._peer,
            keep_alive=head.wants_to_stay(version),
            secure=self._is_secure,
            started=self.last_received,
        )
        self.requests.append((request, None))

    def on_body(self, data: bytes) -> None:
        """Part of the body."""
        body = self.body
        body.chunk_received(data)
        self._framing_bytes = 0
        if body.is_discarding and body.received > self._limits.discarded:
            self.is_over = True

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self.body is not EMPTY:
            if self._parser.should_upgrade():
                return  # the body is still to come, to another parser
            self.body.completed()
        self._framing_bytes = 0
        if self._newest is not None and not self._newest.keep_alive:
            self.is_over = True
