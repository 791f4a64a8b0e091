"""Ordinary twisted.web resources behind the channel."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from exchanges import get
from listening import SECURE, Download, asking, listening
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.interfaces import IPullProducer, IPushProducer
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from twisted.web.static import File
from zope.interface import implementer

from registry.testing.harness import Harness, calm, calm_harness, request_bytes

MIB = 1024 * 1024

Rendering = Callable[[Request], Any]


class Page(Resource):
    """Renders every method with one function."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, rendering: Rendering) -> None:
        super().__init__()
        self._rendering = rendering

    def render(self, request: Request) -> Any:
        return self._rendering(request)


def tree(**pages: Rendering) -> Resource:
    root = Resource()
    for name, rendering in pages.items():
        root.putChild(name.encode(), Page(rendering))
    return root


def hello(request: Request) -> bytes:
    request.setHeader(b"X-Path", request.path)
    return b"hello"


def echo(request: Request) -> bytes:
    request.setResponseCode(201)
    content: bytes = request.content.read()
    return request.method + b" " + content


def in_parts(request: Request) -> object:
    for part in (b"one ", b"two ", b"three"):
        request.write(part)
    request.finish()
    return NOT_DONE_YET


def nothing(request: Request) -> bytes:
    request.setResponseCode(204)
    return b""


def closing(request: Request) -> bytes:
    request.setHeader(b"Connection", b"close")
    return b"bye"


def moved(request: Request) -> bytes:
    request.redirect(request.args[b"to"][0])
    return b""


@pytest.fixture
def harness() -> Iterator[Harness]:
    pages = tree(
        hello=hello,
        echo=echo,
        parts=in_parts,
        nothing=nothing,
        closing=closing,
        moved=moved,
    )
    with calm_harness(root=pages) as harness:
        yield harness


def test_a_page_is_served_between_requests_of_the_api(harness: Harness) -> None:
    client = harness.connect()
    client.send(get() + get("/hello/there") + get())
    answers = client.answers()
    assert [one.body for one in answers] == [b"{}", b"hello", b"{}"]
    assert answers[1].header("x-path") == "/hello/there"
    assert client.is_open


def test_head_of_a_page_has_no_body(harness: Harness) -> None:
    client = harness.connect()
    client.send(get("/hello", method="HEAD") + get("/parts", method="HEAD") + get())
    assert [one.body for one in client.answers()] == [b"", b"", b"{}"]


def test_a_body_reaches_its_page(harness: Harness) -> None:
    raw = request_bytes("POST", "/echo", body=b"a=b" * 1000)
    [answer] = harness.exchange(raw)
    assert (answer.status, answer.body) == (201, b"POST " + b"a=b" * 1000)


def test_a_body_in_chunks_reaches_its_page(harness: Harness) -> None:
    client = harness.connect()
    head = request_bytes("PUT", "/echo", headers={"Transfer-Encoding": "chunked"})
    client.send(head, b"3\r\nabc\r\n", b"0\r\n\r\n")
    assert client.answers()[0].body == b"PUT abc"


def test_a_page_of_unknown_length_is_sent_in_chunks(harness: Harness) -> None:
    first, second = harness.exchange(get("/parts") + get("/hello"))
    assert first.header("transfer-encoding") == "chunked"
    assert first.body == b"one two three"
    assert second.body == b"hello"


def test_a_page_of_unknown_length_ends_with_the_connection_of_http_1_0(
    harness: Harness,
) -> None:
    client = harness.connect()
    client.send(b"GET /parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    [answer] = client.answers()
    assert answer.closes
    assert answer.body == b"one two three"
    assert client.transport.is_closed


def test_a_page_of_known_length_keeps_the_connection_of_http_1_0(
    harness: Harness,
) -> None:
    client = harness.connect()
    client.send(b"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert client.answers()[0].header("connection") == "keep-alive"
    assert client.is_open


def test_a_page_may_close_the_connection(harness: Harness) -> None:
    client = harness.connect()
    client.send(get("/closing") + get())
    [answer] = client.answers()
    assert answer.all("connection") == ["close"]
    assert client.transport.is_closed


def test_an_answer_without_a_body_has_none(harness: Harness) -> None:
    first, second = harness.exchange(get("/nothing") + get())
    assert (first.status, second.status) == (204, 200)


def test_no_header_can_be_smuggled_through_a_page(harness: Harness) -> None:
    answer = harness.request("GET", "/moved?to=/a%0d%0aX:%20y")
    assert answer.status == 302
    assert answer.header("x") is None


def test_what_is_not_in_the_tree_is_404(harness: Harness) -> None:
    assert harness.request("GET", "/none").status == 404


def test_an_answer_that_takes_its_time() -> None:
    waiting: list[Request] = []

    def later(request: Request) -> object:
        waiting.append(request)
        return NOT_DONE_YET

    with calm_harness(root=tree(later=later)) as slow:
        client = slow.connect()
        client.send(get("/later") + get())
        assert client.received == b""
        waiting[0].write(b"at last")
        waiting[0].finish()
        assert [one.body for one in client.answers()] == [b"at last", b"{}"]


def test_a_page_learns_that_its_client_has_left() -> None:
    told: list[Failure] = []

    def later(request: Request) -> object:
        request.notifyFinish().addErrback(told.append)
        return NOT_DONE_YET

    with calm_harness(root=tree(later=later)) as harness:
        client = harness.connect()
        client.send(get("/later"))
        assert not told
        client.leave()
        assert len(told) == 1
        assert harness.site.connections == 0


def test_a_page_may_cut_its_client_off() -> None:
    def cut(request: Request) -> object:
        request.setHeader(b"Content-Length", b"100")
        request.write(b"some")
        request.loseConnection()
        return NOT_DONE_YET

    with calm_harness(root=tree(cut=cut)) as cutting:
        client = cutting.connect()
        client.send(get("/cut"))
        assert client.transport.is_aborted


@implementer(IPushProducer)
class Push:
    """A push producer that counts what it was told."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.told: list[str] = []
        self.is_paused = False

    def pauseProducing(self) -> None:
        self.told.append("pause")
        self.is_paused = True

    def resumeProducing(self) -> None:
        self.told.append("resume")
        self.is_paused = False

    def stopProducing(self) -> None:
        self.told.append("stop")

    def pump(self, piece: bytes, most: int) -> int:
        """Write until told to pause; how often."""
        for count in range(most):
            if self.is_paused:
                return count
            self.request.write(piece)
        return most


@pytest.fixture
def pushing() -> Iterator[tuple[Harness, list[Push]]]:
    made: list[Push] = []

    def push(request: Request) -> object:
        made.append(Push(request))
        request.registerProducer(made[-1], True)
        return NOT_DONE_YET

    with calm_harness(root=tree(push=push)) as harness:
        yield harness, made


def test_a_push_producer_is_paused_by_a_slow_client(
    pushing: tuple[Harness, list[Push]],
) -> None:
    harness, made = pushing
    client = harness.connect()
    client.stall()
    client.send(get("/push") + get())
    [producer] = made
    assert producer.pump(b"x" * 10_000, 1000) < 20
    client.take()
    assert producer.told == ["pause", "resume"]
    producer.pump(b"y" * 10_000, 5)
    producer.request.unregisterProducer()
    producer.request.finish()
    first, second = client.answers()
    assert first.body.endswith(b"xx" + b"y" * 50_000)
    assert second.body == b"{}"


def test_a_push_producer_is_stopped_when_its_client_leaves(
    pushing: tuple[Harness, list[Push]],
) -> None:
    harness, made = pushing
    client = harness.connect()
    client.send(get("/push"))
    client.leave()
    assert made[0].told == ["stop"]


def test_a_paused_push_producer_is_stopped_when_its_client_leaves(
    pushing: tuple[Harness, list[Push]],
) -> None:
    harness, made = pushing
    client = harness.connect()
    client.stall()
    client.send(get("/push"))
    made[0].pump(b"x" * 10_000, 1000)
    client.leave()
    assert made[0].told == ["pause", "stop"]


@implementer(IPullProducer)
class Pull:
    """A pull producer of a few pieces."""

    def __init__(self, request: Request, pieces: int) -> None:
        self._request = request
        self._left = pieces

    def resumeProducing(self) -> None:
        if not self._left:
            self._request.unregisterProducer()
            self._request.finish()
            return
        self._left -= 1
        self._request.write(b"x" * 100_000)

    def stopProducing(self) -> None:
        self._left = 0


def pull(request: Request) -> object:
    request.registerProducer(Pull(request, 100), False)
    return NOT_DONE_YET


@SECURE
@pytest_twisted.ensureDeferred
async def test_a_pull_producer_is_asked_until_it_has_no_more(
    tmp_path: Path, is_secure: bool
) -> None:
    with calm():
        async with listening(
            tmp_path, is_secure=is_secure, tree=tree(pull=pull)
        ) as registry:
            [answer] = await registry.exchange(asking("GET", "/pull"))
            assert answer.body == b"x" * 10_000_000


@SECURE
@pytest_twisted.ensureDeferred
async def test_a_large_file_is_served(tmp_path: Path, is_secure: bool) -> None:
    content = hashlib.shake_128(b"file").digest(20 * MIB)
    (tmp_path / "file").write_bytes(content)
    root = Resource()
    root.putChild(b"file", File(str(tmp_path / "file")))
    with calm():
        async with listening(
            tmp_path / "store", is_secure=is_secure, tree=root
        ) as registry:
            whole = Download(asking("GET", "/file"))
            await connectProtocol(registry.endpoint, whole)
            whole.transport.pauseProducing()
            [part] = await registry.exchange(
                asking("GET", "/file", Range="bytes=1000-1999")
            )
            assert (part.status, part.body) == (206, content[1000:2000])
            whole.transport.resumeProducing()
            await whole.done
            assert whole.size == len(content)
            assert whole.sha256 == hashlib.sha256(content).hexdigest()


@SECURE
@pytest_twisted.ensureDeferred
async def test_a_page_on_a_real_socket_learns_that_its_client_has_left(
    tmp_path: Path, is_secure: bool
) -> None:
    told: Deferred[None] = Deferred()
    begun: Deferred[None] = Deferred()

    def later(request: Request) -> object:
        request.notifyFinish().addErrback(lambda _: told.callback(None))
        begun.callback(None)
        return NOT_DONE_YET

    with calm():
        async with listening(
            tmp_path, is_secure=is_secure, tree=tree(later=later)
        ) as registry:
            client = await registry.connect()
            client.transport.write(asking("GET", "/later"))
            await begun
            client.transport.abortConnection()
            await told
            await client.closed
