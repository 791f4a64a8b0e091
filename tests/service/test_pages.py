"""The pages beside the API, as a client gets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
import pytest_twisted
from observed import site_for
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.interfaces import IProtocolFactory
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.resource import IResource
from twisted.web.server import Site

from registry.service.debug import make_debug_root, make_root
from registry.service.metrics import Metrics
from registry.storage.workers import Inline, WorkerPool
from registry.web.request import Request
from registry.web.response import Response


class NoApi:
    """An API that nobody should have asked."""

    async def respond(self, request: Request) -> Response:
        raise AssertionError(request.target)


@attrs.frozen
class Got:
    status: int
    headers: Headers
    text: str

    def header(self, name: str) -> str | None:
        values = self.headers.getRawHeaders(name)
        return values[0] if values else None


async def ask(factory: IProtocolFactory, path: str, method: str = "GET") -> Got:
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    pool = HTTPConnectionPool(reactor, persistent=False)
    try:
        response = await HTTPClient(Agent(reactor, pool=pool)).request(
            method, f"http://127.0.0.1:{port.getHost().port}{path}"
        )
        return Got(response.code, response.headers, await response.text())
    finally:
        await port.stopListening()


def public(ailments: Callable[[], Mapping[str, str]] = dict) -> IProtocolFactory:
    root = make_root(ailments=ailments)
    return site_for(NoApi(), reactor=reactor, root=root)


def debug(**changes: Any) -> IProtocolFactory:
    options: dict[str, Any] = {
        "ailments": dict,
        "numbers": dict,
        "render_metrics": None,
        "workers": Inline(),
    }
    root: IResource = make_debug_root(**(options | changes))
    return Site(root)


SICK = {"storagedriver_filesystem": "no answer after 10 s"}


@pytest_twisted.ensureDeferred
async def test_the_front_page_says_what_it_is_and_where_the_api_is() -> None:
    got = await ask(public(), "/")
    assert got.status == 200
    assert got.header("content-type") == "text/html; charset=utf-8"
    assert '<a href="/v2/">' in got.text


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("path", ["/", "/healthz", "/robots.txt", "/nowhere"])
async def test_no_page_tells_a_version(path: str) -> None:
    got = await ask(public(), path)
    assert got.header("server") == "registry"
    assert "Twisted" not in got.text


@pytest_twisted.ensureDeferred
async def test_robots_are_not_welcome() -> None:
    got = await ask(public(), "/robots.txt")
    assert got.text == "User-agent: *\nDisallow: /\n"


@pytest_twisted.ensureDeferred
async def test_a_load_balancer_hears_ok() -> None:
    got = await ask(public(), "/healthz")
    assert (got.status, got.text) == (200, "ok\n")


@pytest_twisted.ensureDeferred
async def test_a_load_balancer_hears_what_is_wrong() -> None:
    got = await ask(public(lambda: SICK), "/healthz")
    assert got.status == 503
    assert got.text == "storagedriver_filesystem: no answer after 10 s\n"


FULL = {"storage_room": "0 bytes are free"}


@pytest_twisted.ensureDeferred
async def test_a_load_balancer_goes_on_with_what_is_degraded() -> None:
    root = make_root(ailments=dict, degradations=lambda: FULL)
    got = await ask(site_for(NoApi(), reactor=reactor, root=root), "/healthz")
    assert got.status == 200
    assert got.text == "degraded\nstorage_room: 0 bytes are free\n"


@pytest_twisted.ensureDeferred
async def test_the_operator_sees_what_is_degraded() -> None:
    got = await ask(debug(degradations=lambda: FULL), "/debug/health")
    assert got.status == 200
    assert json.loads(got.text) == {"storage_room": "degraded: 0 bytes are free"}
    sick = debug(ailments=lambda: SICK, degradations=lambda: FULL)
    got = await ask(sick, "/debug/health")
    assert got.status == 503
    assert json.loads(got.text).keys() == {*SICK, *FULL}


@pytest_twisted.ensureDeferred
async def test_head_of_healthz_is_the_same_without_the_word() -> None:
    got = await ask(public(lambda: SICK), "/healthz", "HEAD")
    assert (got.status, got.text) == (503, "")


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_elsewhere_is_nothing_but_a_hint(method: str) -> None:
    got = await ask(public(), "/a/b", method)
    assert got.status == 404
    assert got.text == "there is nothing here; the API is at /v2/\n"


@pytest_twisted.ensureDeferred
async def test_pages_can_only_be_read() -> None:
    got = await ask(public(), "/healthz", "DELETE")
    assert got.status == 405


@pytest_twisted.ensureDeferred
async def test_the_operator_sees_health_as_distribution_shows_it() -> None:
    got = await ask(debug(), "/debug/health")
    assert (got.status, json.loads(got.text)) == (200, {})
    got = await ask(debug(ailments=lambda: SICK), "/debug/health")
    assert (got.status, json.loads(got.text)) == (503, SICK)
    assert got.header("content-type") == "application/json"


@pytest_twisted.ensureDeferred
async def test_the_operator_sees_numbers_of_the_process() -> None:
    got = await ask(debug(numbers=lambda: {"connections": 3}), "/debug/vars")
    assert json.loads(got.text) == {"connections": 3}


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("path", ["/metrics", "/debug/metrics", "/a/b/c"])
async def test_metrics_are_where_the_configuration_puts_them(path: str) -> None:
    metrics = Metrics(version="1.0")
    workers = WorkerPool(reactor=reactor, threads=1)
    workers.start()
    try:
        options = {"render_metrics": metrics.render, "metrics_path": path}
        got = await ask(debug(workers=workers, **options), path)
        assert got.status == 200
        assert 'registry_build_info{version="1.0"} 1.0' in got.text
        assert str(got.header("content-type")).startswith("text/plain; version=0.0.4")
        assert (await ask(debug(**options), "/debug/health")).status == 200
    finally:
        workers.stop()


@pytest_twisted.ensureDeferred
async def test_metrics_that_fail_are_answered_500() -> None:
    def broken() -> bytes:
        raise OSError("no numbers today")

    got = await ask(debug(render_metrics=broken), "/metrics")
    assert (got.status, got.text) == (500, "metrics failed; the log says why\n")


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("path", ["/metrics", "/", "/debug", "/debug/pprof/heap"])
async def test_the_operator_is_told_where_something_is(path: str) -> None:
    got = await ask(debug(), path)
    assert got.status == 404
    assert got.text == ("there is nothing here, but at /debug/health, /debug/vars\n")
