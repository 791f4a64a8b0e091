"""A span: a stretch of content that a client asked for.

A Range header is a request, not an order: what is malformed, in another unit, or
wasteful to answer is ignored and the whole is sent. A range that ends before it starts
holds no byte of any content, so alone it is refused, as Distribution does. No header
makes the answer longer than the content. RFC 9110 14.
"""

from __future__ import annotations

import re

import attrs

_SPEC = re.compile(r"[ \t]*(?:([0-9]{1,40})-([0-9]{0,40})|-([0-9]{1,40}))[ \t]*")
_PREFIX = "bytes="

RANGE_LIMIT = 32
"""Ranges of one request, unless told otherwise."""


class Unsatisfiable(Exception):
    """No requested range lies within the content: 416. RFC 9110 15.5.17."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the content has {size} bytes; ask for a range within them")
        self.size = size


@attrs.frozen(order=True)
class Span:
    """``length`` bytes from ``first`` on; at least one byte."""

    first: int
    length: int

    @property
    def last(self) -> int:
        """The position of the last byte, inclusive."""
        return self.first + self.length - 1


def select_spans(
    header: str | None, size: int, *, limit: int = RANGE_LIMIT
) -> list[Span] | None:
    """The spans of ``size`` bytes that a Range header selects; None for the whole.

    They come in the client's order, unless some overlap: then merged and sorted. More
    than ``limit`` ranges, and any range of empty content, mean the whole. Raises
    Unsatisfiable.
    """
    if header is None or size == 0 or header[:6].lower() != _PREFIX:
        return None
    specs = [spec for spec in header[6:].split(",", limit) if spec.strip()]
    if not specs or len(specs) > limit:
        return None
    spans = []
    for spec in specs:
        bounds = _bounds(spec, size)
        if bounds is None:
            return None
        first, end = bounds
        if first < end:
            spans.append(Span(first, end - first))
    if not spans:
        raise Unsatisfiable(size)
    return spans if len(spans) == 1 else _without_overlap(spans)


def range_applies(if_range: str | None, etag: str) -> bool:
    """Whether ``If-Range`` lets the Range header count. RFC 9110 13.1.5.

    The comparison is strong. A date never matches: content here has none.
    """
    return if_range is None or (if_range.strip() == etag and etag.startswith('"'))


def _bounds(spec: str, size: int) -> tuple[int, int] | None:
    """First position and the one after the last, or None for what is no range.

    Equal positions mean a range that holds nothing of the content.
    """
    found = _SPEC.fullmatch(spec)
    if not found:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        return max(0, size - int(suffix)), size
    start = int(first)
    if not last:
        return min(start, size), size
    if int(last) < start:
        return size, size
    return min(start, size), min(int(last) + 1, size)


def _without_overlap(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans):
        before = merged[-1] if merged else None
        if before is None or span.first > before.last:
            merged.append(span)
        else:
            end = max(before.last, span.last) + 1
            merged[-1] = Span(before.first, end - before.first)
    return spans if len(merged) == len(spans) else merged
