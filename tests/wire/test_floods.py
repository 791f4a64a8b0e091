"""Floods, on a real server on loopback: others are served, and all is given back.

Few clients and short deadlines here; ``make flood`` measures a thousand slow ones.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import attrs
import pytest

from registry.core.digest import Digest
from registry.testing.client import Client
from registry.testing.servers import OURS, Server
from registry.testing.slow_clients import SlowClients

HTTP = """\
  limits: {connections: 200, exempt: [127.0.0.0/8]}
  timeouts: {header: 1s, idle: 2s, body: 1s, send: 2s}
"""
PATIENCE = 15.0
"""Seconds that a server may take to let go; it needs a few."""
THREADS = 110
"""A hundred workers (``storage.filesystem.maxthreads``) and a few others."""
MIB = 1024 * 1024
CONTENT = os.urandom(300_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("floods")
    with Server(
        command=OURS, storage=str(root / "storage"), work=str(root), http=HTTP
    ) as server:
        use(server.client, 0)
        yield server


@attrs.frozen
class Usage:
    """What a process has: descriptors, threads, and resident bytes."""

    descriptors: int
    threads: int
    memory: int

    @classmethod
    def of(cls, server: Server) -> Usage:
        place = Path(f"/proc/{server.pid}")
        pages = int((place / "statm").read_text().split()[1])
        return cls(
            len(os.listdir(place / "fd")),
            len(os.listdir(place / "task")),
            pages * os.sysconf("SC_PAGESIZE"),
        )


def until(server: Server, is_so: Callable[[], bool]) -> bool:
    """Whether it becomes so before the patience ends."""
    return server.until(is_so, seconds=PATIENCE)


def is_answered(client: Client) -> bool:
    """Whether there is room again: who is too many may be dropped without a word."""
    try:
        return client.get("/v2/").status == 200
    except ConnectionError:
        return False


@contextmanager
def given_back(server: Server, *, memory: int = 24 * MIB) -> Iterator[None]:
    """Afterwards the server has what it had before, and no more threads than it may."""
    until(server, lambda: Usage.of(server).descriptors <= 60)
    before = Usage.of(server)
    yield
    assert until(server, lambda: Usage.of(server).descriptors <= before.descriptors + 8)
    after = Usage.of(server)
    assert after.threads <= THREADS
    assert after.memory <= before.memory + memory


def use(client: Client, number: int) -> None:
    """Push and pull a little, as clients do."""
    name = f"flood/{number}"
    digest = client.push_blob(name, CONTENT)
    assert client.blob(name, digest).expect(200).body == CONTENT
    client.get("/v2/").expect(200)


@contextmanager
def others_are_served(server: Server) -> Iterator[None]:
    """Three clients push and pull all the while, and each gets every answer."""
    is_over = False

    def work(number: int) -> int:
        rounds = 0
        while not (is_over and rounds):
            use(server.client, number)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work, number) for number in range(3)]
        try:
            yield
        finally:
            is_over = True
        assert all(one.result() for one in working)


def connection(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.client.port), timeout=PATIENCE)


def told(sock: socket.socket) -> bytes:
    """All that the server says until it closes; b"" if it just drops us."""
    said = b""
    try:
        while data := sock.recv(65536):
            said += data
    except ConnectionResetError:
        pass
    return said


def test_slow_heads_and_slow_bodies(server: Server) -> None:
    with (
        given_back(server),
        others_are_served(server),
        SlowClients(port=server.client.port, heads=50, bodies=50, every=0.2) as slow,
    ):
        assert slow.outlast(PATIENCE)
        answers = slow.answers()
    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 408"}
    assert all(b"Connection: close" in answer for answer in answers)


def test_clients_that_only_connect(server: Server) -> None:
    with given_back(server), others_are_served(server), ExitStack() as stack:
        idle = [stack.enter_context(closing(connection(server))) for _ in range(120)]
        assert {told(sock) for sock in idle} == {b""}


def test_more_connections_than_there_may_be(server: Server) -> None:
    with given_back(server), ExitStack() as stack:
        kept = stack.enter_context(closing(connection(server)))
        kept.sendall(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert kept.recv(1000).startswith(b"HTTP/1.1 200")
        many = [stack.enter_context(closing(connection(server))) for _ in range(400)]
        kept.sendall(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert kept.recv(1000).startswith(b"HTTP/1.1 200")
        assert Usage.of(server).descriptors < 400
        for sock in many:
            try:
                sock.sendall(
                    b"GET /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                )
            except OSError:
                continue
        said = [told(sock) for sock in many]
        refused = [one for one in said if one.startswith(b"HTTP/1.1 503")]
        assert refused
        assert all(b"Retry-After: " in one for one in refused)
        assert {one[:12] for one in said} <= {b"HTTP/1.1 200", b"HTTP/1.1 503", b""}
    assert until(server, lambda: is_answered(server.client))


def test_readers_that_do_not_read(server: Server) -> None:
    content = bytes(48 * MIB)
    digest = server.client.push_blob("flood/large", content)
    asked = f"GET /v2/flood/large/blobs/{digest} HTTP/1.1\r\nHost: a\r\n\r\n"
    with given_back(server), others_are_served(server), ExitStack() as stack:
        readers = [stack.enter_context(closing(connection(server))) for _ in range(50)]
        for sock in readers:
            sock.sendall(asked.encode())
        assert until(server, lambda: Usage.of(server).descriptors > 100)
        assert until(server, lambda: Usage.of(server).descriptors < 80)


def test_requests_that_are_sent_ahead_without_end(server: Server) -> None:
    ahead = b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n" * 2000
    with given_back(server), others_are_served(server), ExitStack() as stack:
        floods = [stack.enter_context(closing(connection(server))) for _ in range(10)]
        for sock in floods:
            sock.setblocking(False)
        sent = [0]

        def nobody_takes_more() -> bool:
            sent.append(sum(send_at_once(sock, ahead) for sock in floods))
            return not sent[-1]

        assert until(server, nobody_takes_more)
        assert sum(sent) > MIB


@pytest.mark.parametrize(
    ("start", "more", "status"),
    [
        (b"GET /v2/ HTTP/1.1\r\nHost: a\r\nX: ", b"x" * 65536, b"431"),
        (b"GET /v2/ HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n" * 9000, b"431"),
        (b"GET /", b"x" * 65536, b"414"),
        (
            b"POST /v2/a/blobs/uploads/?digest=sha256:%s HTTP/1.1\r\nHost: a\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n3;" % (b"0" * 64),
            b"x" * 65536,
            b"400",
        ),
        (b"", b"\r\n" * 30000, b"431"),
    ],
    ids=["header", "headers", "target", "chunk extension", "empty lines"],
)
def test_heads_without_end(
    server: Server, start: bytes, more: bytes, status: bytes
) -> None:
    with given_back(server), closing(connection(server)) as sock:
        sock.sendall(start)
        sent = 0
        try:
            while sent < 64 * MIB:
                sent += sock.send(more)
        except ConnectionError:
            pass
        assert sent < 64 * MIB, "it takes whatever comes"
    with closing(connection(server)) as sock:
        sock.sendall(start + more)
        assert told(sock)[9:12] == status


def test_ranges_without_number(server: Server) -> None:
    digest = server.client.push_blob("flood/ranges", CONTENT)
    path = f"/v2/flood/ranges/blobs/{digest}"
    with given_back(server), others_are_served(server):
        for ranges in (
            "0-," * 1000,
            ",".join(f"{n}-{n}" for n in range(0, 600, 2)),
            ",".join(["0-"] * 32),
            ",".join(f"{n}-" for n in range(32)),
        ):
            answer = server.client.get(path, Range=f"bytes={ranges.strip(',')}")
            assert answer.status in (200, 206)
            assert len(answer.body) <= len(CONTENT) + 32 * 300


def test_large_manifests_that_stop(server: Server) -> None:
    head = (
        b"PUT /v2/flood/m/manifests/t HTTP/1.1\r\nHost: a\r\n"
        b"Content-Type: application/vnd.oci.image.manifest.v1+json\r\n"
        b"Content-Length: 4000000\r\n\r\n"
    )
    part = b" " * 3_000_000
    with given_back(server, memory=110 * MIB), others_are_served(server):
        with ExitStack() as stack:
            some = [stack.enter_context(closing(connection(server))) for _ in range(40)]
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda sock: send_some(sock, head + part), some))
            statuses = {told(sock)[9:12] for sock in some}
        assert statuses <= {b"408", b"503", b""}
        assert b"408" in statuses


def send_at_once(sock: socket.socket, data: bytes) -> int:
    """How many bytes are taken now."""
    try:
        return sock.send(data)
    except (BlockingIOError, ConnectionError):
        return 0


def send_some(sock: socket.socket, data: bytes) -> None:
    """Send what the server takes."""
    try:
        sock.sendall(data)
    except OSError:
        return


def test_a_server_without_descriptors_goes_on(tmp_path: Path) -> None:
    """They end at some hundred, where many more clients come."""
    command = ("prlimit", "--nofile=300:300", *OURS)
    with (
        Server(
            command=command,
            storage=str(tmp_path / "storage"),
            work=str(tmp_path),
            http=HTTP,
        ) as server,
        ExitStack() as stack,
    ):
        digest = server.client.push_blob("a", CONTENT)
        many = [stack.enter_context(closing(connection(server))) for _ in range(400)]
        assert Usage.of(server).descriptors < 300
        for sock in many:
            sock.close()
        assert until(server, lambda: is_answered(server.client))
        assert server.client.blob("a", digest).expect(200).body == CONTENT
        assert Digest.of(CONTENT) == server.client.push_blob("b", CONTENT)
        assert "for want of file descriptors" in server.log()
