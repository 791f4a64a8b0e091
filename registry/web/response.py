"""An answer, as an endpoint returns it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

import attrs

from registry.storage.driver import Content

if TYPE_CHECKING:
    from registry.web.request import Request

_CONTROL = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Control characters other than tab, and than the ends of lines, which are counted."""

NO_BODY = frozenset({204, 304})
"""Statuses whose responses have neither a body nor a Content-Length. RFC 9110 6.4.1."""

STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii")
    for status in HTTPStatus
}


@attrs.frozen
class Piece:
    """Part of an open content: ``length`` bytes from ``offset``."""

    content: Content
    offset: int
    length: int


Segment = bytes | Piece


class Response:
    """Status, rendered header lines, and a body in memory or on disk.

    ``head`` holds whole lines, each with its line end, rendered once for content that
    does not change. Content-Length, Date and Connection are the channel's to add.
    Whoever writes the response closes ``content`` afterwards.
    """

    __slots__ = ("body", "content", "head", "length", "segments", "status")

    def __init__(
        self,
        status: int,
        head: bytes = b"",
        body: bytes = b"",
        *,
        segments: Sequence[Segment] = (),
        content: Content | None = None,
    ) -> None:
        self.status = status
        self.head = head
        self.body = body
        self.segments = segments
        self.content = content
        self.length = len(body)
        if segments:
            self.length = sum(
                len(one) if isinstance(one, bytes) else one.length for one in segments
            )

    def close(self) -> None:
        """Let go of the content it would have sent."""
        if self.content is not None:
            self.content.close()


def header_lines(*pairs: tuple[str, str]) -> bytes:
    """Header lines of ``pairs``, ready for ``Response.head``.

    Raises ValueError for a value that would end its line, and for any other control
    character but a tab: no text, wherever it comes from, can add a header or a second
    response, or be read otherwise by somebody on the way. RFC 9110 5.5.
    """
    text = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    lines = len(pairs)
    if text.count("\n") != lines or text.count("\r") != lines or _CONTROL.search(text):
        raise ValueError("a header value holds a line break or control character")
    return text.encode("latin-1")


def connection_line(request: Request, *, stays: bool) -> bytes:
    """The Connection header that this client needs, and the end of the head."""
    if not stays:
        return b"Connection: close\r\n\r\n"
    if request.version == "1.0":
        return b"Connection: keep-alive\r\n\r\n"
    return b"\r\n"
