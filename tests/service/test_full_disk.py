"""A real registry on a small disk that really fills."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from registry.core.digest import Digest
from registry.core.mediatype import OCI_INDEX
from registry.testing.client import Answer, Client, with_query
from registry.testing.small_disk import SmallServer, mounted

MIB = 1024 * 1024
INDEX = json.dumps(
    {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
).encode()
LIMIT = 30
"""Seconds after which a test gives up."""


def a_server(tmp_path: Path, **options: Any) -> SmallServer:
    return SmallServer(work=str(tmp_path), **options)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallServer]:
    """A disk of 24 MiB, 4 of which are kept in reserve."""
    with a_server(tmp_path, size=24 * MIB, reserve="4MiB") as server:
        yield server


def random_bytes(size: int) -> bytes:
    return os.urandom(size)


def post_whole(client: Client, content: bytes, name: str = "a") -> Answer:
    path = f"/v2/{name}/blobs/uploads/?digest={Digest.of(content)}"
    return client.request("POST", path, body=content)


def announce(client: Client, size: int) -> Answer:
    """What is answered to a push of ``size`` bytes before any of them."""
    connection = HTTPConnection("127.0.0.1", client.port, timeout=LIMIT)
    with closing(connection):
        path = f"/v2/a/blobs/uploads/?digest={Digest.of(b'')}"
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        answer = connection.getresponse()
        return Answer(f"POST {path}", answer.status, answer.headers, answer.read())


def free_words(answer: Answer) -> dict[str, Any]:
    """What a 507 tells."""
    [error] = answer.expect(507).json()["errors"]
    assert "ask the registry's operator to make room" in error["message"]
    for key in ("needed", "free", "reserve"):
        assert str(error["detail"][key]) in error["message"]
    detail: dict[str, Any] = error["detail"]
    return detail


def raw(client: Client, head: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", client.port), timeout=LIMIT)
    connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    return connection


def first_line(connection: socket.socket) -> bytes:
    return connection.makefile("rb").readline()


def health(client: Client, wanted: str) -> str:
    """What health says once its first line is ``wanted``."""
    deadline = time.monotonic() + LIMIT
    while True:
        said = client.get("/healthz").expect(200).body.decode()
        if said.startswith(wanted) or time.monotonic() > deadline:
            return said


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"/v2/a/blobs/uploads/?digest={Digest.of(b'x')}"),
        ("PATCH", "{session}"),
        ("PUT", "{session}&digest=" + str(Digest.of(b"x"))),
    ],
)
def test_a_push_that_does_not_fit_is_refused_before_its_body(
    small: SmallServer, method: str, path: str
) -> None:
    session = small.client.start_upload("a")
    at = path.format(session=with_query(session.path, "x=1"))
    head = f"{method} {at} HTTP/1.1\nHost: a\nContent-Length: {30 * MIB}"
    with raw(small.client, f"{head}\nExpect: 100-continue") as connection:
        assert b" 507 " in first_line(connection)
    assert small.client.get(session.path).expect(204).header("Range") == "0-0"


def test_a_refusal_names_what_is_free_and_what_is_needed(small: SmallServer) -> None:
    detail = free_words(announce(small.client, 21 * MIB))
    assert detail["needed"] >= 21 * MIB
    assert detail["reserve"] == 4 * MIB
    assert 23 * MIB < detail["free"] <= 24 * MIB


def test_a_manifest_too_is_refused_before_its_body(small: SmallServer) -> None:
    small.fill(leave=4 * MIB)
    head = f"PUT /v2/a/manifests/v1 HTTP/1.1\nHost: a\nContent-Length: {len(INDEX)}"
    with raw(small.client, f"{head}\nExpect: 100-continue") as connection:
        assert b" 507 " in first_line(connection)


def test_ten_pushes_that_fit_one_by_one_do_not_overrun_together(
    small: SmallServer,
) -> None:
    """20 MiB are to be had and each wants 5; the bodies come when all have asked."""
    connections = []
    for number in range(10):
        session = small.client.start_upload(f"r{number}")
        head = f"PATCH {session.path} HTTP/1.1\nHost: a\nContent-Length: {5 * MIB}"
        connections.append(
            (session, raw(small.client, f"{head}\nExpect: 100-continue"))
        )
    told = [first_line(connection) for _, connection in connections]
    assert {line.split()[1] for line in told} == {b"100", b"507"}
    admitted = [at for at, line in enumerate(told) if b" 100 " in line]
    assert len(admitted) == 3
    content = random_bytes(5 * MIB)
    for at in admitted:
        connections[at][1].sendall(content)
    for at in admitted:
        session, connection = connections[at]
        answer = connection.makefile("rb")
        while not (line := answer.readline()).startswith(b"HTTP/1.1"):
            assert line
        assert b" 202 " in line
        session.commit(content)
    for _, connection in connections:
        connection.close()
    assert os.statvfs(small.path()).f_bavail * 4096 >= 4 * MIB


def test_a_body_of_unknown_length_is_stopped_at_the_reserve_and_goes_on_later(
    small: SmallServer,
) -> None:
    content = random_bytes(18 * MIB)
    small.fill(leave=14 * MIB)
    session = small.client.start_upload("a")
    pieces = (content[at : at + MIB] for at in range(0, len(content), MIB))
    free_words(session.stream(pieces))
    offset = session.offset()
    assert 7 * MIB < offset <= 10 * MIB
    assert os.statvfs(small.path()).f_bavail * 4096 >= 4 * MIB
    assert os.path.getsize(data_of(small, session.identifier)) == offset
    small.make_room()
    session.append(content[offset:], start=offset).expect(202)
    session.commit(content)


def data_of(server: SmallServer, session: str) -> str:
    below = "root/docker/registry/v2/repositories/a/_uploads"
    return server.path(below, session, "data")


def test_pulls_lists_and_deletes_go_on_when_not_one_byte_is_free(
    small: SmallServer,
) -> None:
    client, content = small.client, random_bytes(MIB)
    digest = client.push_blob("a", content)
    client.push_manifest("a", "v1", INDEX, OCI_INDEX).expect(201)
    session = client.start_upload("a")
    small.fill()
    post_whole(client, b"more").expect(507)
    client.push_manifest("a", "v2", INDEX, OCI_INDEX).expect(507)
    client.request("POST", "/v2/a/blobs/uploads/").expect(507)
    assert client.blob("a", digest).expect(200).body == content
    client.request("HEAD", f"/v2/a/blobs/{digest}").expect(200)
    assert client.manifest("a", "v1").expect(200).body == INDEX
    assert client.tags("a") == ["v1"]
    assert client.catalog() == ["a"]
    assert session.offset() == 1  # what an empty session says
    client.request("DELETE", "/v2/a/manifests/v1").expect(202)
    client.request("DELETE", f"/v2/a/manifests/{Digest.of(INDEX)}").expect(202)
    client.request("DELETE", f"/v2/a/blobs/{digest}").expect(202)
    session.cancel().expect(204)
    client.blob("a", digest).expect(404)
    client.manifest("a", "v1").expect(404)
    errors = [line for line in small.log().splitlines() if "level=error" in line]
    assert all("storage_room" in line for line in errors)


def test_an_upload_whose_bytes_are_there_can_end_in_the_reserve(
    small: SmallServer,
) -> None:
    content = random_bytes(MIB)
    session = small.client.start_upload("a")
    session.append(content, start=0).expect(202)
    small.fill(leave=MIB)
    post_whole(small.client, b"new").expect(507)
    session.commit(content)


def test_health_says_degraded_and_room_comes_back_without_a_restart(
    small: SmallServer,
) -> None:
    assert health(small.client, "ok") == "ok\n"
    small.fill(leave=5 * MIB)
    said = health(small.client, "degraded")
    assert "storage_room: " in said
    assert "kept in reserve" in said
    post_whole(small.client, random_bytes(2 * MIB)).expect(507)
    small.make_room()
    post_whole(small.client, random_bytes(2 * MIB)).expect(201)
    assert health(small.client, "ok") == "ok\n"


def test_a_disk_that_fills_under_an_admitted_push_is_507_and_the_offset_true(
    tmp_path: Path,
) -> None:
    content = random_bytes(6 * MIB)
    with a_server(tmp_path, size=16 * MIB) as small:
        session = small.client.start_upload("a")
        head = f"PATCH {session.path} HTTP/1.1\nHost: a\nContent-Length: {6 * MIB}"
        with raw(small.client, f"{head}\nExpect: 100-continue") as connection:
            assert b" 100 " in first_line(connection)
            small.fill(leave=2 * MIB)
            sending = threading.Thread(target=send_all, args=(connection, content))
            sending.start()
            lines = connection.makefile("rb")
            line = next(line for line in lines if line.startswith(b"HTTP/1.1"))
            assert b" 507 " in line
        sending.join(LIMIT)
        offset = session.offset()
        assert 0 < offset <= 2 * MIB
        small.make_room()
        session.append(content[offset:], start=offset).expect(202)
        session.commit(content)
        digest = Digest.of(content)
        assert small.client.blob("a", digest).expect(200).body == content


def send_all(connection: socket.socket, content: bytes) -> None:
    with suppress(OSError):  # the server has said enough
        connection.sendall(content)


def test_a_disk_without_inodes_is_full_too(tmp_path: Path) -> None:
    with a_server(tmp_path, size=24 * MIB, inodes=500, reserved_inodes="10%") as small:
        client = small.client
        digest = client.push_blob("a", b"content")
        small.use_inodes(leave=40)
        detail = free_words(post_whole(client, b"more"))
        assert detail["unit"] == "files"
        assert detail["reserve"] == 50
        assert client.blob("a", digest).expect(200).body == b"content"
        client.request("DELETE", f"/v2/a/blobs/{digest}").expect(202)


def test_the_last_inode_is_507_when_nothing_is_kept_in_reserve(tmp_path: Path) -> None:
    with a_server(tmp_path, size=24 * MIB, inodes=500) as small:
        session = small.client.start_upload("a")
        session.append(b"content", start=0).expect(202)
        small.use_inodes(leave=0)
        session.finish(Digest.of(b"content")).expect(507)
        assert session.offset() == len(b"content")


ON_A_SMALL_DISK = """\
import os, signal, sys
from registry.core.digest import Digest
from registry.testing.registry_process import RegistryProcess
root = sys.argv[1]
place = f"rootdirectory: {root}/storage, reserve: {{size: 1MiB}}"
options = f"storage: {{filesystem: {{{place}}}}}\\n"
server = RegistryProcess(root=root, options=options)
digest = server.start().client.push_blob("a", b"content")
with open(root + "/filler", "wb", buffering=0) as filler:
    try:
        while True:
            assert filler.write(bytes(4096))
    except OSError:
        assert not os.statvfs(root).f_bavail
for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
    server.signal(number)
    server.end()
    server.start()
    assert server.client.blob("a", digest).expect(200).body == b"content"
    server.client.request("POST", "/v2/a/blobs/uploads/").expect(507)
assert server.stop() == 0
print("served")
"""
SCRIPT = (sys.executable, "-c", ON_A_SMALL_DISK)


def test_a_registry_starts_on_a_full_disk(tmp_path: Path) -> None:
    """However it ended. Everything is below a small disk of its own."""
    done = subprocess.run(
        [*mounted(str(tmp_path), size=8 * MIB), *SCRIPT, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=4 * LIMIT,
    )
    assert done.stdout.splitlines()[-1:] == ["served"], done.stderr
