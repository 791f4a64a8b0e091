"""The kinds of health check, against real files and sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from registry.service.checks import (
    Rhythm,
    file_check,
    http_check,
    storage_check,
    tcp_check,
)
from registry.service.health import CheckFailed
from registry.storage.driver import StorageFailure
from registry.storage.workers import Inline

RHYTHM = Rhythm(interval=10.0)


class Answering(Resource):
    """Answers HEAD with what it was told to, if the right header came along."""

    isLeaf = True  # noqa: N815 - twisted.web reads it

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status
        self.methods: list[bytes] = []

    def render(self, request: Request) -> bytes:
        self.methods.append(request.method)
        known = request.getHeader("x-probe") == "yes"
        request.setResponseCode(self.status if known else 401)
        return b""


@asynccontextmanager
async def listening(factory: Factory) -> AsyncIterator[int]:
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    try:
        yield port.getHost().port
    finally:
        await port.stopListening()


@asynccontextmanager
async def unused_port() -> AsyncIterator[int]:
    async with listening(Factory.forProtocol(Protocol)) as port:
        pass
    yield port


@pytest_twisted.ensureDeferred
async def test_http_wants_the_expected_status() -> None:
    page = Answering(204)
    async with listening(Site(page)) as port:
        url = f"http://127.0.0.1:{port}/"
        headers = {"X-Probe": ["yes"]}
        options = {"reactor": reactor, "headers": headers, "rhythm": RHYTHM}
        await http_check(url=url, status=204, **options).probe()
        with pytest.raises(CheckFailed, match="answered 204 instead of 200"):
            await http_check(url=url, **options).probe()
    assert page.methods == [b"HEAD", b"HEAD"]


@pytest_twisted.ensureDeferred
async def test_http_fails_where_nobody_listens() -> None:
    async with unused_port() as port:
        check = http_check(
            url=f"http://127.0.0.1:{port}/", reactor=reactor, rhythm=RHYTHM
        )
        with pytest.raises(Exception, match="refused"):
            await check.probe()


def test_the_name_of_a_url_tells_no_password() -> None:
    check = http_check(
        url="https://bob:hunter2@a.example:8443/health?key=1",
        reactor=reactor,
        rhythm=RHYTHM,
    )
    assert check.name == "https://a.example:8443/health"


@pytest_twisted.ensureDeferred
async def test_tcp_wants_a_connection() -> None:
    async with listening(Factory.forProtocol(Protocol)) as port:
        check = tcp_check(host="127.0.0.1", port=port, reactor=reactor, rhythm=RHYTHM)
        await check.probe()
        assert check.name == f"127.0.0.1:{port}"


@pytest_twisted.ensureDeferred
async def test_tcp_fails_where_nobody_listens() -> None:
    async with unused_port() as port:
        check = tcp_check(host="127.0.0.1", port=port, reactor=reactor, rhythm=RHYTHM)
        with pytest.raises(Exception, match="refused"):
            await check.probe()


@pytest_twisted.ensureDeferred
async def test_a_file_is_healthy_as_long_as_it_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "down"
    check = file_check(path=str(path), workers=Inline(), rhythm=RHYTHM)
    await check.probe()
    path.touch()
    with pytest.raises(CheckFailed, match=r"remove .*down to go on serving"):
        await check.probe()
    path.unlink()
    await check.probe()


@pytest_twisted.ensureDeferred
async def test_a_file_that_cannot_be_looked_at_is_not_healthy(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    check = file_check(path=str(path), workers=Inline(), rhythm=RHYTHM)
    with pytest.raises(OSError, match="too long"):
        await check.probe()


@pytest_twisted.ensureDeferred
async def test_storage_is_healthy_as_long_as_it_answers() -> None:
    class Storage:
        async def probe(self) -> None:
            raise StorageFailure("the disk is gone")

    check = storage_check(driver=Storage(), kind="filesystem", rhythm=RHYTHM)
    assert check.name == "storagedriver_filesystem"
    with pytest.raises(StorageFailure):
        await check.probe()


def test_without_a_timeout_the_interval_is_one() -> None:
    rhythm = Rhythm(interval=7.0)
    check = tcp_check(host="::1", port=1, reactor=reactor, rhythm=rhythm)
    assert (check.name, check.timeout) == ("[::1]:1", 7.0)
