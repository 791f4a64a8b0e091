"""Content, whole or in parts, as a response. RFC 9110 13 and 14."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from secrets import token_hex

from registry.core.errors import RangeInvalid
from registry.core.precondition import none_match
from registry.core.span import (
    RANGE_LIMIT,
    Span,
    Unsatisfiable,
    range_applies,
    select_spans,
)
from registry.storage.driver import Content
from registry.web.problem import refusal
from registry.web.request import Request
from registry.web.response import Piece, Response, Segment, header_lines


def content_response(
    request: Request,
    content: Content,
    *,
    etag: str,
    media_type: str,
    head: bytes,
    range_limit: int = RANGE_LIMIT,
) -> Response:
    """The response to a GET of ``content``; takes over closing it.

    ``head`` holds the header lines of every answer about it, without Content-Type. More
    than ``range_limit`` ranges are as none.
    """
    size = content.size
    if not none_match(request.header(b"if-none-match"), etag):
        return Response(304, head, content=content)
    asked = request.header(b"range")
    if asked is None or not range_applies(request.header(b"if-range"), etag):
        return _whole(content, size, _type_line(media_type) + head)
    try:
        spans = select_spans(asked, size, limit=range_limit)
    except Unsatisfiable as error:
        content.close()
        return refusal(
            416,
            str(error),
            ("Content-Range", f"bytes */{size}"),
            code=RangeInvalid.code,
        )
    if spans is None:
        return _whole(content, size, _type_line(media_type) + head)
    if len(spans) == 1:
        return _single(content, spans[0], media_type, head)
    return _several(content, spans, media_type, head)


def head_response(
    request: Request, size: int, *, etag: str, media_type: str, head: bytes
) -> Response:
    """The response to a HEAD of content of ``size`` bytes, which need not be opened."""
    if not none_match(request.header(b"if-none-match"), etag):
        return Response(304, head)
    response = Response(200, _type_line(media_type) + head)
    response.length = size
    return response


@lru_cache(maxsize=64)
def _type_line(media_type: str) -> bytes:
    return header_lines(("Content-Type", media_type))


def _whole(content: Content, size: int, head: bytes) -> Response:
    held = content.held
    if held is not None:
        return Response(200, head, held, content=content)
    if size == 0:
        return Response(200, head, content=content)
    return Response(200, head, segments=[Piece(content, 0, size)], content=content)


def _single(content: Content, span: Span, media_type: str, head: bytes) -> Response:
    lines = header_lines(
        ("Content-Type", media_type), ("Content-Range", _range(span, content.size))
    )
    return Response(206, lines + head, segments=[_part(content, span)], content=content)


def _several(
    content: Content, spans: Sequence[Span], media_type: str, head: bytes
) -> Response:
    boundary = token_hex(16)
    segments: list[Segment] = []
    for span in spans:
        lines = header_lines(
            ("Content-Type", media_type), ("Content-Range", _range(span, content.size))
        )
        segments.append(f"\r\n--{boundary}\r\n".encode("ascii") + lines + b"\r\n")
        segments.append(_part(content, span))
    segments.append(f"\r\n--{boundary}--\r\n".encode("ascii"))
    kind = ("Content-Type", f"multipart/byteranges; boundary={boundary}")
    return Response(206, header_lines(kind) + head, segments=segments, content=content)


def _part(content: Content, span: Span) -> Segment:
    if content.held is not None:
        return content.held[span.first : span.last + 1]
    return Piece(content, span.first, span.length)


def _range(span: Span, size: int) -> str:
    return f"bytes {span.first}-{span.last}/{size}"
