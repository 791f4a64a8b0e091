"""The channel on real sockets, plain and under TLS, with files on a disk."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest_twisted
from listening import (
    NAME,
    SECURE,
    Download,
    ReadsAhead,
    all_gone,
    asking,
    listening,
    turn,
)
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import connectProtocol

from registry.core.digest import Digest
from registry.testing.answers import parse_answers
from registry.testing.harness import calm, request_bytes
from registry.web.limits import Limits

MIB = 1024 * 1024
CONTENT = hashlib.shake_128(b"content").digest(4 * MIB)
DIGEST = str(Digest.of(CONTENT))


def put_content(descriptor: int) -> None:
    os.write(descriptor, CONTENT)
    os.fsync(descriptor)


@SECURE
@pytest_twisted.ensureDeferred
async def test_200_pulls_at_once_are_exact(tmp_path: Path, is_secure: bool) -> None:
    with calm():
        async with listening(tmp_path, is_secure=is_secure) as registry:
            path = registry.place_blob(put_content, digest=DIGEST)
            pulls = [Download(asking("GET", path)) for _ in range(200)]
            for pull in pulls:
                await connectProtocol(registry.endpoint, pull)
            await gatherResults([pull.done for pull in pulls])
            assert {pull.head[:15] for pull in pulls} == {b"HTTP/1.1 200 OK"}
            assert {pull.size for pull in pulls} == {len(CONTENT)}
            assert {f"sha256:{pull.sha256}" for pull in pulls} == {DIGEST}
            assert not registry.opened


@pytest_twisted.ensureDeferred
async def test_ranges_beyond_4_gib_are_exact(tmp_path: Path) -> None:
    at = 4 * 1024 * MIB - 3

    def sparse(descriptor: int) -> None:
        os.ftruncate(descriptor, 5 * 1024 * MIB)
        os.pwrite(descriptor, b"across", at)
        os.pwrite(descriptor, b"end", 5 * 1024 * MIB - 3)

    with calm():
        async with listening(tmp_path) as registry:
            path = registry.place_blob(sparse, digest="sha256:" + "3" * 64)

            async def part(asked: str) -> bytes:
                raw = asking("GET", path, Range=f"bytes={asked}")
                [answer] = await registry.exchange(raw)
                assert answer.status == 206
                return answer.body

            assert await part(f"{at}-{at + 5}") == b"across"
            assert await part("-5") == b"\0\0end"
            middle = await part(f"{at - 8 * MIB}-{at + 8 * MIB - 1}")
            assert len(middle) == 16 * MIB
            assert middle.strip(b"\0") == b"across"
            several = await part(f"0-1,{at}-{at + 1},-1")
            assert several.count(b"\r\n\r\n") == 3
            head = await registry.exchange(asking("GET", path, Range="bytes=0-0"))
            assert head[0].header("content-range") == f"bytes 0-0/{5 * 1024 * MIB}"


@pytest_twisted.ensureDeferred
async def test_cold_pages_are_read_ahead_and_keep_nobody_waiting(
    tmp_path: Path,
) -> None:
    asked: list[tuple[int, int]] = []
    may_read: Deferred[None] = Deferred()

    def held(real: ReadsAhead) -> ReadsAhead:
        def read_ahead(descriptor: int, offset: int, length: int) -> Deferred[None]:
            asked.append((offset, length))
            waiting: Deferred[None] = Deferred()
            may_read.chainDeferred(waiting)
            if not may_read.called:
                waiting.addCallback(lambda _: real(descriptor, offset, length))
                return waiting
            return real(descriptor, offset, length)

        return read_ahead

    with calm():
        async with listening(tmp_path, read_ahead=held) as registry:
            path = registry.place_blob(put_content, digest=DIGEST)
            evict(registry.blob_file(path))
            pull = Download(asking("GET", path))
            await connectProtocol(registry.endpoint, pull)
            while not asked and not pull.done.called:
                await turn()
            [answer] = await registry.exchange(asking("GET", "/v2/"))
            assert answer.status == 200
            assert pull.size == 0
            may_read.callback(None)
            await pull.done
            assert f"sha256:{pull.sha256}" == DIGEST
            assert asked[0][0] == 0


@pytest_twisted.ensureDeferred
async def test_a_client_that_leaves_while_pages_are_read_lets_go_of_the_file(
    tmp_path: Path,
) -> None:
    reading: list[Deferred[None]] = []

    def held(real: ReadsAhead) -> ReadsAhead:
        del real

        def read_ahead(descriptor: int, offset: int, length: int) -> Deferred[None]:
            del descriptor, offset, length
            reading.append(Deferred())
            return reading[-1]

        return read_ahead

    with calm():
        async with listening(tmp_path, read_ahead=held) as registry:
            path = registry.place_blob(put_content, digest=DIGEST)
            evict(registry.blob_file(path))
            client = await registry.connect()
            client.transport.write(asking("GET", path))
            while not reading:
                await turn()
            client.transport.abortConnection()
            await all_gone(registry.site)
            assert not registry.opened
            reading[0].callback(None)


def evict(file: Path) -> None:
    """Make the kernel forget the pages of ``file``."""
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@pytest_twisted.ensureDeferred
async def test_a_client_that_closed_its_sending_side_gets_its_answers(
    tmp_path: Path,
) -> None:
    with calm():
        async with listening(tmp_path) as registry:
            path = registry.place_blob(put_content, digest=DIGEST)
            client = await registry.connect()
            client.transport.write(
                request_bytes("GET", "/v2/") + request_bytes("GET", path)
            )
            client.transport.loseWriteConnection()
            await client.closed
            [base, blob], rest = parse_answers(client.data)
            assert (base.body, blob.body, rest) == (b"{}", CONTENT, b"")


@SECURE
@pytest_twisted.ensureDeferred
async def test_a_refusal_reaches_a_client_that_is_still_sending(
    tmp_path: Path, is_secure: bool
) -> None:
    with calm():
        async with listening(tmp_path, is_secure=is_secure) as registry:
            client = await registry.connect()
            head = request_bytes(
                "PATCH",
                f"/v2/{NAME}/blobs/uploads/nosuch",
                headers={"Content-Length": str(32 * MIB)},
            )
            client.transport.write(head)
            client.transport.write(b"x" * 8 * MIB)
            await client.has(100)
            client.transport.loseConnection()
            await client.closed
            [answer], rest = parse_answers(client.data)
            assert (answer.status, answer.closes, rest) == (404, True, b"")


@SECURE
@pytest_twisted.ensureDeferred
async def test_a_push_and_a_pull(tmp_path: Path, is_secure: bool) -> None:
    with calm():
        async with listening(tmp_path, is_secure=is_secure) as registry:
            push = request_bytes(
                "POST",
                f"/v2/{NAME}/blobs/uploads/?digest={DIGEST}",
                headers={"Connection": "close"},
                body=CONTENT,
            )
            [created] = await registry.exchange(push)
            assert created.status == 201
            scheme = "https" if is_secure else "http"
            told = created.header("location") or ""
            assert told.startswith(f"{scheme}://registry.test/v2/")
            path = f"/v2/{NAME}/blobs/{DIGEST}"
            [pulled] = await registry.exchange(asking("GET", path))
            assert pulled.body == CONTENT


@SECURE
@pytest_twisted.ensureDeferred
async def test_an_idle_connection_is_closed(tmp_path: Path, is_secure: bool) -> None:
    limits = Limits(idle_timeout=0.5, linger_timeout=0.5)
    with calm():
        async with listening(tmp_path, is_secure=is_secure, limits=limits) as registry:
            client = await registry.connect()
            client.transport.write(request_bytes("GET", "/v2/"))
            await client.closed
            [answer], _ = parse_answers(client.data)
            assert answer.status == 200
            await all_gone(registry.site)


@SECURE
@pytest_twisted.ensureDeferred
async def test_garbage_ends_the_connection(tmp_path: Path, is_secure: bool) -> None:
    with calm():
        async with listening(tmp_path, is_secure=is_secure) as registry:
            client = await registry.connect()
            client.transport.write(b"\0\1\2 nonsense\r\n\r\n" * 100)
            await client.has(10)
            client.transport.loseConnection()
            await client.closed
            [answer], _ = parse_answers(client.data)
            assert answer.status in (400, 501)


@SECURE
@pytest_twisted.ensureDeferred
async def test_a_connection_too_many_is_told_so(
    tmp_path: Path, is_secure: bool
) -> None:
    limits = Limits(connections=1)
    async with listening(tmp_path, is_secure=is_secure, limits=limits) as registry:
        first = await registry.connect()
        first.transport.write(request_bytes("GET", "/v2/"))
        await first.has(100)
        [answer] = await registry.exchange(request_bytes("GET", "/v2/"))
        assert (answer.status, answer.code) == (503, "UNAVAILABLE")
        first.transport.loseConnection()
        await first.closed
        await all_gone(registry.site)
        [answer] = await registry.exchange(asking("GET", "/v2/"))
        assert answer.status == 200
