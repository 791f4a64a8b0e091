"""Back-pressure in both directions, and clients that leave half-way.

A slow disk pauses the client's socket; a slow client pauses the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from exchanges import NAME, begin, chunked, get, held, offset, patch, push
from twisted.internet.defer import Deferred

from registry.core.digest import Digest, Hasher
from registry.storage.driver import Appender, Content, StorageFailure
from registry.storage.memory import MemoryDriver
from registry.testing.harness import Harness, calm_harness, request_bytes
from registry.testing.memory_transport import MARK
from registry.web.limits import Limits
from registry.web.wire import READ_SIZE

LIMITS = Limits(buffered=10_000)


class Gate:
    """Lets through whoever comes while it is open, and the others when it opens."""

    def __init__(self) -> None:
        self.is_open = True
        self._waiting: list[Deferred[None]] = []

    async def passed(self) -> None:
        if not self.is_open:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    def open(self) -> None:
        self.is_open = True
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)


class SlowAppender:
    """An appender that a gate stands before."""

    def __init__(self, appender: Appender, gate: Gate) -> None:
        self._appender = appender
        self._gate = gate

    @property
    def size(self) -> int:
        return self._appender.size

    async def append(self, chunks: Sequence[bytes], hashers: Sequence[Hasher]) -> int:
        await self._gate.passed()
        return await self._appender.append(chunks, hashers)

    async def close(self, *, flush: bool) -> None:
        await self._appender.close(flush=flush)


class FileInParts:
    """Content that is not in memory: every read is counted, and passes a gate."""

    def __init__(self, content: Content, gate: Gate, reads: list[int]) -> None:
        self._content = content
        self._gate = gate
        self._reads = reads

    @property
    def size(self) -> int:
        return self._content.size

    @property
    def held(self) -> bytes | None:
        return None

    def fileno(self) -> int | None:
        return None

    async def read(self, offset: int, length: int) -> bytes:
        self._reads.append(length)
        await self._gate.passed()
        if not self._reads:
            raise StorageFailure("closed")
        return await self._content.read(offset, length)

    def close(self) -> None:
        self._reads.append(-1)


class SlowDriver(MemoryDriver):
    """A disk that is as slow as its gates."""

    def __init__(self) -> None:
        super().__init__()
        self.writing = Gate()
        self.reading = Gate()
        self.reads: list[int] = []

    async def append_to(self, path: str, **how: Any) -> Appender:
        return SlowAppender(await super().append_to(path, **how), self.writing)

    async def open(self, path: str) -> Content:
        return FileInParts(await super().open(path), self.reading, self.reads)


@pytest.fixture
def disk() -> SlowDriver:
    return SlowDriver()


@pytest.fixture
def harness(disk: SlowDriver) -> Iterator[Harness]:
    with calm_harness(limits=LIMITS, driver=disk) as harness:
        yield harness


def test_a_slow_disk_pauses_the_client_and_then_takes_all(
    harness: Harness, disk: SlowDriver
) -> None:
    session = begin(harness)
    content = bytes(range(256)) * 400
    raw = patch(session, content)
    client = harness.connect()
    disk.writing.is_open = False
    client.send(*(raw[i : i + 4000] for i in range(0, len(raw), 4000)))
    assert client.transport.is_paused
    assert client.transport.unread > len(content) - 3 * LIMITS.buffered
    disk.writing.open()
    harness.advance(0)
    for _ in range(100):
        harness.advance(0)
    [answer] = client.answers()
    assert answer.header("range") == f"0-{len(content) - 1}"
    assert not client.transport.is_paused
    done = harness.request("PUT", f"{session}?digest={Digest.of(content)}")
    assert done.status == 201


def test_a_client_paused_for_a_slow_disk_is_not_called_late(
    harness: Harness, disk: SlowDriver
) -> None:
    session = begin(harness)
    client = harness.connect()
    disk.writing.is_open = False
    client.send(patch(session, b"x" * 20_000, Content_Length="20001"), b"")
    harness.advance(500)
    disk.writing.open()
    harness.advance(0)
    client.send(b"x")
    assert client.answers()[0].header("range") == "0-20000"


def test_pipelined_requests_pause_the_client_when_many_wait(
    harness: Harness, disk: SlowDriver
) -> None:
    session = begin(harness)
    client = harness.connect()
    disk.writing.is_open = False
    client.send(patch(session, b"abc"))
    client.send(*[get()] * 100)
    assert client.transport.is_paused
    assert client.transport.unread > 0
    disk.writing.open()
    for _ in range(100):
        harness.advance(0)
    assert [one.status for one in client.answers()] == [202] + [200] * 100
    assert not client.transport.is_paused


def test_a_slow_client_pauses_the_file(harness: Harness, disk: SlowDriver) -> None:
    content = bytes(range(256)) * 4 * 1024 * 10
    path = push(harness, content)
    client = harness.connect()
    client.stall()
    client.send(get(path) + get())
    assert client.transport.waiting <= MARK + READ_SIZE
    assert len(disk.reads) == 1
    while len(client.received) < len(content):
        before = len(disk.reads)
        client.take(100_000)
        assert client.transport.waiting <= MARK + READ_SIZE
        assert len(disk.reads) <= before + 1
    client.take()
    first, second = client.answers()
    assert first.body == content
    assert second.body == b"{}"
    assert disk.reads[-1] == -1, "the content was closed"


def test_a_client_that_leaves_while_the_file_is_read_lets_go_of_it(
    harness: Harness, disk: SlowDriver
) -> None:
    path = push(harness, b"x" * 1_000_000)
    client = harness.connect()
    disk.reading.is_open = False
    client.send(get(path))
    client.leave()
    disk.reading.open()
    assert disk.reads[-1] == -1
    assert len(disk.reads) == 2
    assert harness.site.connections == 0


def test_a_client_that_leaves_while_it_is_slow_lets_go_of_the_file(
    harness: Harness, disk: SlowDriver
) -> None:
    path = push(harness, b"x" * 1_000_000)
    client = harness.connect()
    client.stall()
    client.send(get(path))
    client.leave()
    assert disk.reads[-1] == -1
    assert harness.answered[-1][0].target == path.encode()


def test_a_client_that_leaves_while_the_disk_writes_holds_no_lock(
    harness: Harness, disk: SlowDriver
) -> None:
    session = begin(harness)
    client = harness.connect()
    disk.writing.is_open = False
    client.send(patch(session, b"abc", Content_Length="6"))
    client.leave()
    disk.writing.open()
    assert offset(harness, session) == 3
    assert harness.request("PATCH", session, body=b"def").header("range") == "0-5"


BODY = b"0123456789"
IN_CHUNKS = chunked(BODY[:4], BODY[4:])


def heads(session: str) -> dict[str, tuple[bytes, bytes]]:
    return {
        "length": (patch(session, b"", Content_Length=str(len(BODY))), BODY),
        "chunks": (
            request_bytes("PATCH", session, headers={"Transfer-Encoding": "chunked"}),
            IN_CHUNKS,
        ),
    }


@pytest.mark.parametrize("kind", ["length", "chunks"])
@pytest.mark.parametrize("ending", ["leave", "end"])
def test_a_client_that_leaves_at_any_byte_finds_its_upload_as_it_was(
    kind: str, ending: str
) -> None:
    length = sum(map(len, heads("/v2/team/app/blobs/uploads/" + "0" * 36)[kind]))
    for at in range(length):
        with calm_harness() as harness:
            session = begin(harness)
            head, body = heads(session)[kind]
            client = harness.connect()
            client.send((head + body)[:at])
            getattr(client, ending)()
            assert client.transport.is_closed
            there = offset(harness, session)
            assert there == held(harness, session)
            assert there <= len(BODY)
            finish(harness, session, there)


def finish(harness: Harness, session: str, there: int) -> None:
    rest = patch(session, BODY[there:], Content_Range=f"{there}-{len(BODY) - 1}")
    if there < len(BODY):
        [answer] = harness.exchange(rest)
        assert answer.status == 202, answer
    digest = Digest.of(BODY)
    assert harness.request("PUT", f"{session}?digest={digest}").status == 201
    assert harness.request("GET", f"/v2/{NAME}/blobs/{digest}").body == BODY
