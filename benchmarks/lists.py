"""Loads that walk long lists page by page."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import attrs

from benchmarks import content, headers
from benchmarks.connection import Connection
from benchmarks.failure import LoadFailed
from benchmarks.measure import Reading, measured
from benchmarks.outcome import Outcome, percentile
from benchmarks.scale import Scale
from benchmarks.servers import Server

PAGE = 100
TAGS = f"/v2/{content.MANY_TAGS_REPOSITORY}/tags/list?n={PAGE}"
CATALOG = f"/v2/_catalog?n={PAGE}"

_NEXT = re.compile(r"<([^>]+)>\s*;\s*rel=\"?next")


@attrs.frozen
class Page:
    """How many names came, and where the next page is, if there is one."""

    names: int
    following: str | None


def tags(server: Server, scale: Scale) -> Reading:
    """Pages of the tags of one repository."""
    return _walk(server, TAGS, "tags", scale)


def catalog(server: Server, scale: Scale) -> Reading:
    """Pages of the catalog."""
    return _walk(server, CATALOG, "repositories", scale)


def _walk(server: Server, first: str, key: str, scale: Scale) -> Reading:
    """Walk the list over and over; the very first page is not measured."""
    connection = Connection(server.address)
    page = _page(connection, first, key)
    if page.names < min(PAGE, scale.listed):
        raise LoadFailed(f"{first} gave {page.names} names")
    note = "" if page.following else f"answers all {page.names} names at once"

    def load() -> Outcome:
        start = time.perf_counter()
        spent = list(_times(connection, first, key, start + scale.seconds))
        return Outcome(
            count=len(spent),
            size=0,
            seconds=time.perf_counter() - start,
            p99=percentile(spent, 0.99),
        )

    reading = measured(server.process, load, note)
    connection.close()
    return reading


def _times(
    connection: Connection, first: str, key: str, deadline: float
) -> Iterator[float]:
    """Seconds that each page took, until the deadline."""
    target = first
    while True:
        began = time.perf_counter()
        target = _page(connection, target, key).following or first
        ended = time.perf_counter()
        yield ended - began
        if ended >= deadline:
            return


def _page(connection: Connection, target: str, key: str) -> Page:
    answer, body = connection.ask("GET", target, [headers.USER_AGENT])
    if answer.status != 200:
        raise LoadFailed(f"GET {target} was answered {answer.status}")
    found = _NEXT.search(answer.headers.get("link", ""))
    if found is None:
        return Page(len(json.loads(body)[key]), None)
    link = urlsplit(found[1])
    return Page(len(json.loads(body)[key]), f"{link.path}?{link.query}")
