"""A client that pushes new blobs: ``python -m benchmarks.push``.

Content, digests and the framing of bodies are made before the clock starts, and sent
in large pieces, so that the client waits for the server and not the other way round.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from benchmarks import headers
from benchmarks.connection import Address, Answer, Connection
from benchmarks.content import MIB, REPOSITORY
from benchmarks.crew import Crew, Job, for_seconds, report
from benchmarks.failure import LoadFailed

CHUNK = 32 << 10
"""Bytes in one chunk of chunked transfer coding: what docker's client writes."""

BODY = ("Content-Type", "application/octet-stream")
EMPTY = ("Content-Length", "0")


def put(content: bytes) -> Job:
    """POST, then PUT with the whole blob: containerd's way."""
    digest = _digest(content)
    length = ("Content-Length", str(len(content)))

    def job(connection: Connection) -> int:
        location = _begin(connection)
        target = _with_digest(location, digest)
        head = connection.head("PUT", target, [*headers.PUSH, BODY, length])
        connection.send(head + content if len(content) < CHUNK else head)
        if len(content) >= CHUNK:
            connection.send(content)
        _expect(connection, 201, "PUT of a blob")
        return len(content)

    return job


def patch(content: bytes) -> Job:
    """POST, one PATCH of unknown length, PUT without a body: docker's way."""
    digest = _digest(content)
    pieces = list(_chunked(content))

    def job(connection: Connection) -> int:
        location = _begin(connection)
        coding = [*headers.PUSH, BODY, ("Transfer-Encoding", "chunked")]
        connection.send(connection.head("PATCH", location, coding), *pieces)
        location = _location(_expect(connection, 202, "PATCH of an upload"))
        target = _with_digest(location, digest)
        connection.send(connection.head("PUT", target, [*headers.PUSH, EMPTY]))
        _expect(connection, 201, "PUT of an upload")
        return len(content)

    return job


WAYS = {"put": put, "patch": patch}


def _begin(connection: Connection) -> str:
    target = f"/v2/{REPOSITORY}/blobs/uploads/"
    connection.send(connection.head("POST", target, [*headers.PUSH, EMPTY]))
    return _location(_expect(connection, 202, "POST of an upload"))


def _expect(connection: Connection, status: int, request: str) -> Answer:
    answer = connection.answer()
    body = connection.body(answer)
    if answer.status != status:
        said = body[:120].decode(errors="replace")
        raise LoadFailed(f"{request} was answered {answer.status}: {said}")
    return answer


def _location(answer: Answer) -> str:
    parts = urlsplit(answer.headers["location"])
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _with_digest(location: str, digest: str) -> str:
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _chunked(content: bytes) -> Iterator[bytes]:
    """``content`` in chunked transfer coding, about a MiB at a time."""
    view = memoryview(content)
    for start in range(0, len(content), MIB):
        framed = bytearray()
        for at in range(start, min(start + MIB, len(content)), CHUNK):
            chunk = view[at : at + CHUNK]
            framed += b"%x\r\n" % len(chunk)
            framed += chunk
            framed += b"\r\n"
        yield bytes(framed)
    yield b"0\r\n\r\n"


def _contents(size: int, count: int) -> Iterator[bytes]:
    """Blobs that no server has seen: they start with bytes that never come again."""
    common = os.urandom(size)
    for _ in range(count):
        yield os.urandom(32) + common[32:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--way", choices=WAYS, required=True)
    parser.add_argument("--size", type=int, required=True, help="bytes of one blob")
    parser.add_argument("--count", type=int, required=True, help="blobs")
    parser.add_argument("--at-once", type=int, required=True)
    parser.add_argument(
        "--seconds", type=float, help="push the same blobs again until then"
    )
    asked = parser.parse_args()

    def crew() -> Crew:
        way = WAYS[asked.way]
        jobs = [way(content) for content in _contents(asked.size, asked.count)]
        line = for_seconds(jobs, asked.seconds) if asked.seconds else jobs
        address = Address(asked.port, asked.certificate)
        return Crew(address=address, jobs=line, at_once=asked.at_once)

    report(crew)


if __name__ == "__main__":
    main()
