"""A page: a part of a sorted list of names, and where the next one starts.

Spec: distribution end-8b.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

import attrs

from registry.core.errors import PageInvalid

_NUMBER = re.compile(r"[0-9]{1,18}")


@attrs.frozen
class PageRequest:
    """At most ``n`` names after ``last``; None for all, and from the beginning."""

    n: int | None
    last: str | None

    @classmethod
    def parse(
        cls, n: str | None, last: str | None, *, maximum: int | None
    ) -> PageRequest:
        """The page that the query parameters ``n`` and ``last`` ask for.

        Empty parameters count as missing. An ``n`` above ``maximum`` is lowered to it,
        for the specification allows shorter pages with a link to the next; a missing
        one stays missing. Raises PageInvalid.
        """
        if not n:
            return cls(None, last or None)
        if not _NUMBER.fullmatch(n):
            raise PageInvalid
        number = int(n)
        return cls(number if maximum is None else min(number, maximum), last or None)


def cut_page(names: Sequence[str], page: PageRequest) -> tuple[list[str], str | None]:
    """The names on ``page``, and the ``last`` of the next page if there is one.

    ``names`` are sorted by code point and distinct. ``last`` need not be among them.
    """
    if page.n == 0:
        return [], None
    start = bisect_right(names, page.last) if page.last else 0
    if page.n is None or start + page.n >= len(names):
        return list(names[start:]), None
    chosen = list(names[start : start + page.n])
    return chosen, chosen[-1]
