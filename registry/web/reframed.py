"""The body of a request that asks for an upgrade.

Nothing here can be upgraded to, so such a request is answered as if it had not asked.
RFC 9110 7.8. But llhttp believes that HTTP ends with its head: it would take the body
for the next request, which is how requests are smuggled. So its body, and all that
follows, is read by a new parser that is told the same framing in a head made up here.
"""

from __future__ import annotations

from typing import Protocol

from httptools import HttpRequestParser


class Listener(Protocol):
    """What a parser tells of what it finds."""

    def on_message_begin(self) -> None:
        """A request starts."""

    def on_url(self, url: bytes) -> None:
        """Part of the target."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header or trailer."""

    def on_headers_complete(self) -> None:
        """The head is whole."""

    def on_body(self, data: bytes) -> None:
        """Part of the body."""

    def on_message_complete(self) -> None:
        """The request is whole."""


class _WithoutFirstHead:
    """Passes on what a parser finds, but for the first head."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._skips = True
        self.on_body = listener.on_body
        self.on_message_complete = listener.on_message_complete

    def on_message_begin(self) -> None:
        if not self._skips:
            self._listener.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._skips:
            self._listener.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._skips:
            self._listener.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._skips:
            self._skips = False
        else:
            self._listener.on_headers_complete()


def reframed_parser(listener: Listener, *, length: int | None) -> HttpRequestParser:
    """A parser that stands before a body of ``length`` bytes; None means chunked."""
    parser = HttpRequestParser(_WithoutFirstHead(listener))
    framing = (
        b"Content-Length: %d" % length if length else b"Transfer-Encoding: chunked"
    )
    parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
    return parser
