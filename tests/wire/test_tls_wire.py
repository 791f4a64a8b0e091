"""TLS on real sockets: handshakes, goodbyes, and bulk."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
import pytest_twisted
from listening import (
    LOCALHOST,
    NAME,
    Listening,
    all_gone,
    asking,
    busy,
    listening,
    turn,
)
from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from registry.core.digest import Digest
from registry.testing.answers import Answer, parse_answers
from registry.testing.harness import calm, request_bytes
from registry.web.limits import Limits

MIB = 1024 * 1024
CONTENT = hashlib.shake_128(b"bulk").digest(4 * MIB)
DIGEST = str(Digest.of(CONTENT))
BASE = request_bytes("GET", "/v2/")


def place(registry: Listening) -> str:
    """The path of a blob of 4 MiB."""
    return registry.place_blob(lambda fd: os.write(fd, CONTENT), digest=DIGEST)


@attrs.define
class Client:
    """A client whose ciphertext goes through the test's hands; it blocks."""

    plain: socket.socket
    secure: ssl.SSLObject
    arriving: ssl.MemoryBIO
    leaving: ssl.MemoryBIO
    piece: int = MIB
    """Bytes that are given to the network at a time."""

    def shake_hands(self) -> None:
        while True:
            try:
                self.secure.do_handshake()
            except ssl.SSLWantReadError:
                self.flush()
                self._receive()
            else:
                self.flush()
                return

    def flush(self) -> None:
        """Give the network what there is to send."""
        while piece := self.leaving.read(self.piece):
            self.plain.sendall(piece)

    def send(self, data: bytes) -> None:
        self.secure.write(data)
        self.flush()

    def say_goodbye(self) -> None:
        """Send close_notify, and go on reading."""
        try:
            self.secure.unwrap()
        except ssl.SSLWantReadError:
            self.flush()

    def _receive(self) -> None:
        data = self.plain.recv(64 * 1024)
        if data:
            self.arriving.write(data)
        else:
            self.arriving.write_eof()

    def some(self) -> bytes:
        """The next of what the server says; nothing after its goodbye.

        Raises SSLEOFError when the connection ends without one.
        """
        while True:
            try:
                return self.secure.read(64 * 1024)
            except ssl.SSLWantReadError:
                self._receive()
            except ssl.SSLZeroReturnError:
                return b""

    def answers(self) -> list[Answer]:
        """All that the server says until its goodbye."""
        found, rest = parse_answers(b"".join(iter(self.some, b"")))
        assert not rest
        return found


@contextmanager
def connected(registry: Listening, *, piece: int = MIB) -> Iterator[Client]:
    """A client that has shaken hands."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    arriving, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    with plain(registry) as network:
        network.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secure = context.wrap_bio(arriving, leaving)
        client = Client(network, secure, arriving, leaving, piece)
        client.shake_hands()
        yield client


def plain(registry: Listening) -> socket.socket:
    return socket.create_connection((LOCALHOST, registry.port), timeout=20)


def ask(registry: Listening, *requests: bytes, piece: int = MIB) -> list[Answer]:
    """The answers on a connection of its own, the last of which ends it."""
    with connected(registry, piece=piece) as client:
        for request in requests:
            client.send(request)
        return client.answers()


def everything(network: socket.socket) -> bytes:
    return b"".join(iter(lambda: network.recv(1000), b""))


# The handshake.


@pytest_twisted.ensureDeferred
async def test_a_handshake_and_a_request_may_arrive_byte_by_byte(
    tmp_path: Path,
) -> None:
    with calm():
        async with listening(tmp_path, is_secure=True) as registry:
            raw = asking("GET", "/v2/")
            [answer] = await deferToThread(ask, registry, raw, piece=1)
            assert answer.body == b"{}"


@pytest_twisted.ensureDeferred
async def test_http_without_tls_is_told_to_use_https(tmp_path: Path) -> None:
    def speak(registry: Listening) -> bytes:
        with plain(registry) as network:
            network.sendall(BASE)
            return everything(network)

    with calm():
        async with listening(tmp_path, is_secure=True) as registry:
            told = await deferToThread(speak, registry)
            assert told.startswith(b"HTTP/1.0 400 ")
            assert b"https://" in told
            await all_gone(registry.site)


@pytest_twisted.ensureDeferred
async def test_what_is_not_tls_ends_the_connection(tmp_path: Path) -> None:
    def speak(registry: Listening) -> bytes:
        with plain(registry) as network:
            network.sendall(b"\x16\x03\x01\x00\x05 nonsense" * 100)
            try:
                return everything(network)
            except ConnectionResetError:
                return b""

    with calm():
        async with listening(tmp_path, is_secure=True) as registry:
            await deferToThread(speak, registry)
            await all_gone(registry.site)


@pytest_twisted.ensureDeferred
async def test_a_client_that_stops_in_its_handshake_is_closed(tmp_path: Path) -> None:
    def stop(registry: Listening) -> bytes:
        with plain(registry) as network:
            network.sendall(b"\x16\x03\x01")
            return everything(network)

    limits = Limits(idle_timeout=0.5, linger_timeout=0.5)
    with calm():
        async with listening(tmp_path, is_secure=True, limits=limits) as registry:
            assert await deferToThread(stop, registry) == b""
            await all_gone(registry.site)


# The end.


@pytest_twisted.ensureDeferred
async def test_a_client_that_has_said_goodbye_gets_its_answers(tmp_path: Path) -> None:
    def leave_early(registry: Listening, path: str) -> list[Answer]:
        with connected(registry) as client:
            client.send(request_bytes("GET", path))
            client.send(BASE)
            client.say_goodbye()
            client.plain.shutdown(socket.SHUT_WR)
            return client.answers()

    with calm():
        async with listening(tmp_path, is_secure=True) as registry:
            blob, base = await deferToThread(leave_early, registry, place(registry))
            assert (blob.body, base.body) == (CONTENT, b"{}")


@pytest_twisted.ensureDeferred
async def test_a_goodbye_is_answered(tmp_path: Path) -> None:
    def leave(registry: Listening) -> bytes:
        with connected(registry) as client:
            client.send(BASE)
            assert client.some().startswith(b"HTTP/1.1 200 ")
            client.say_goodbye()
            return client.some()

    with calm():
        async with listening(tmp_path, is_secure=True) as registry:
            assert await deferToThread(leave, registry) == b""
            await all_gone(registry.site)


@pytest_twisted.ensureDeferred
async def test_a_body_that_ends_without_a_goodbye_is_refused(tmp_path: Path) -> None:
    def stop(registry: Listening) -> list[Answer]:
        path = f"/v2/{NAME}/blobs/uploads/?digest={DIGEST}"
        lines = {"Content-Length": str(len(CONTENT))}
        with connected(registry) as client:
            client.send(request_bytes("POST", path, headers=lines) + b"some of it")
            client.plain.shutdown(socket.SHUT_WR)
            return client.answers()

    with calm():
        async with listening(tmp_path, is_secure=True) as registry:
            [answer] = await deferToThread(stop, registry)
            assert (answer.status, answer.closes) == (400, True)
            await all_gone(registry.site)


@pytest_twisted.ensureDeferred
async def test_a_record_that_was_tampered_with_ends_the_connection(
    tmp_path: Path,
) -> None:
    def tamper(registry: Listening, path: str) -> None:
        with connected(registry) as client:
            client.send(request_bytes("GET", path))
            client.secure.write(BASE)
            record = bytearray(client.leaving.read())
            record[-1] ^= 1
            client.plain.sendall(record)
            with pytest.raises(ssl.SSLError, match=r"(?i)bad.record.mac"):
                client.answers()

    with calm():
        async with listening(tmp_path, is_secure=True) as registry:
            await deferToThread(tamper, registry, place(registry))
            await all_gone(registry.site)
            assert not registry.opened


# Answers.


@pytest_twisted.ensureDeferred
async def test_requests_wait_behind_bulk(tmp_path: Path) -> None:
    def pipeline(registry: Listening, path: str) -> list[Answer]:
        with connected(registry) as client:
            for _ in range(3):
                client.send(request_bytes("GET", path))
                client.send(BASE[:10])
                client.send(BASE[10:])
            client.send(asking("GET", "/v2/_catalog"))
            return client.answers()

    with calm():
        async with listening(tmp_path, is_secure=True) as registry:
            path = place(registry)
            *pairs, last = await deferToThread(pipeline, registry, path)
            assert [one.body for one in pairs] == [CONTENT, b"{}"] * 3
            assert last.status == 200


@pytest_twisted.ensureDeferred
async def test_answers_without_bodies_and_in_chunks(tmp_path: Path) -> None:
    class Parts(Resource):
        isLeaf = True  # noqa: N815 - Twisted's name

        def render_GET(self, request: Request) -> object:
            for part in (b"one ", CONTENT, b" three"):
                request.write(part)
            request.finish()
            return NOT_DONE_YET

    def read(registry: Listening, path: str) -> bytes:
        with connected(registry) as client:
            client.send(request_bytes("HEAD", path))
            tagged = {"If-None-Match": f'"{DIGEST}"'}
            client.send(request_bytes("GET", path, headers=tagged))
            client.send(asking("GET", "/parts"))
            return b"".join(iter(client.some, b""))

    root = Resource()
    root.putChild(b"parts", Parts())
    with calm():
        async with listening(tmp_path, is_secure=True, tree=root) as registry:
            told = await deferToThread(read, registry, place(registry))
            [head, unchanged, parts], rest = parse_answers(told, ["HEAD", "GET"])
            assert (head.status, head.body) == (200, b"")
            assert (unchanged.status, unchanged.body) == (304, b"")
            assert parts.header("transfer-encoding") == "chunked"
            assert (parts.body, rest) == (b"one " + CONTENT + b" three", b"")


@pytest_twisted.ensureDeferred
async def test_keys_may_be_changed_on_the_way(tmp_path: Path) -> None:
    def change_keys(registry: Listening) -> bytes:
        command = ["openssl", "s_client", "-connect", f"{LOCALHOST}:{registry.port}"]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as client:
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write(b"K\n")
            client.stdin.flush()
            told = b""
            while b"KEYUPDATE" not in told:
                told = client.stdout.readline()
                assert told
            client.stdin.write(asking("GET", "/v2/"))
            client.stdin.flush()
            return client.stdout.read()

    with calm():
        async with listening(tmp_path, is_secure=True) as registry:
            assert b"HTTP/1.1 200 OK" in await deferToThread(change_keys, registry)


# Workers.


async def settled(count: Callable[[], int]) -> int:
    """What ``count`` gives once it has stopped to change."""
    before = -1
    while (now := count()) != before:
        before = now
        for _ in range(100):
            await turn()
    return now


@pytest_twisted.ensureDeferred
async def test_a_connection_may_end_in_the_middle_of_bulk(tmp_path: Path) -> None:
    with calm():
        async with listening(tmp_path, is_secure=True) as registry:
            path = registry.place_blob(
                lambda fd: os.ftruncate(fd, 1024 * MIB), digest=DIGEST
            )
            client = await registry.connect()
            client.transport.write(request_bytes("GET", path) + BASE)
            await client.has(1000)
            with busy(registry.workers):
                await settled(lambda: client.size)
                registry.site.stop()
                await client.closed
                await all_gone(registry.site)
            while registry.opened:
                await turn()


@pytest_twisted.ensureDeferred
async def test_a_client_that_leaves_before_its_bulk_is_let_go(tmp_path: Path) -> None:
    with calm():
        async with listening(tmp_path, is_secure=True) as registry:
            path = registry.place_blob(
                lambda fd: os.ftruncate(fd, 1024 * MIB), digest=DIGEST
            )
            client = await registry.connect()
            client.transport.write(request_bytes("GET", path) * 3)
            await client.has(1000)
            with busy(registry.workers):
                client.transport.abortConnection()
                await client.closed
            await all_gone(registry.site)
            assert not registry.opened


@pytest_twisted.ensureDeferred
async def test_a_slow_disk_pauses_the_client(tmp_path: Path) -> None:
    body = CONTENT * 16
    sent = 0

    def push(registry: Listening) -> list[Answer]:
        nonlocal sent
        path = f"/v2/{NAME}/blobs/uploads/?digest={Digest.of(body)}"
        lines = {"Content-Length": str(len(body)), "Connection": "close"}
        with connected(registry) as client:
            client.send(request_bytes("POST", path, headers=lines))
            for start in range(0, len(body), MIB):
                client.send(body[start : start + MIB])
                sent = start + MIB
            return client.answers()

    with calm():
        async with listening(tmp_path, is_secure=True) as registry:
            with busy(registry.workers):
                pushing = deferToThread(push, registry)
                while not sent:
                    await turn()
                assert await settled(lambda: sent) < len(body) // 2
            [answer] = await pushing
            assert answer.status == 201
