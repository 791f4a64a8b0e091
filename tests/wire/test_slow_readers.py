"""Clients that read slowly, or not at all, on real sockets with files on a disk."""

from __future__ import annotations

import hashlib
import os
import socket
import struct
from pathlib import Path

import pytest_twisted
from listening import (
    LOCALHOST,
    SECURE,
    Download,
    Listening,
    RawClient,
    all_gone,
    asking,
    listening,
    turn,
)
from twisted.internet import reactor
from twisted.internet.endpoints import connectProtocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from registry.testing.harness import calm, request_bytes
from registry.web.limits import Limits

MIB = 1024 * 1024
CONTENT = hashlib.shake_128(b"content").digest(4 * MIB)
AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: closing resets the connection."""


def place_large(registry: Listening) -> str:
    """The path of a blob that no socket's buffer holds."""
    return registry.place_blob(
        lambda fd: os.ftruncate(fd, 1024 * MIB), digest="sha256:" + "2" * 64
    )


async def pulling(registry: Listening, raw: bytes) -> RawClient:
    """A client to which the first part of an answer has come."""
    client = await registry.connect()
    client.transport.write(raw)
    await client.has(1000)
    return client


@SECURE
@pytest_twisted.ensureDeferred
async def test_a_slow_reader_keeps_nobody_waiting_and_gets_all(
    tmp_path: Path, is_secure: bool
) -> None:
    with calm():
        async with listening(tmp_path, is_secure=is_secure) as registry:
            path = registry.place_blob(
                lambda fd: [os.write(fd, CONTENT) for _ in range(8)],
                digest="sha256:" + "1" * 64,
            )
            slow = Download(asking("GET", path))
            await connectProtocol(registry.endpoint, slow)
            slow.transport.pauseProducing()
            for _ in range(3):
                [answer] = await registry.exchange(asking("GET", "/v2/"))
                assert answer.status == 200
            assert slow.size < 8 * len(CONTENT)
            slow.transport.resumeProducing()
            await slow.done
            assert slow.size == 8 * len(CONTENT)
            assert slow.sha256 == hashlib.sha256(CONTENT * 8).hexdigest()


@SECURE
@pytest_twisted.ensureDeferred
async def test_a_slow_reader_that_leaves_lets_go_of_the_file(
    tmp_path: Path, is_secure: bool
) -> None:
    with calm():
        async with listening(tmp_path, is_secure=is_secure) as registry:
            path = place_large(registry)
            client = await pulling(registry, asking("GET", path))
            assert registry.opened
            client.transport.abortConnection()
            await client.closed
            await registry.exchange(asking("GET", "/v2/"))
            assert not registry.opened


@pytest_twisted.ensureDeferred
async def test_a_slow_reader_that_leaves_cuts_off_nobody_who_comes_meanwhile(
    tmp_path: Path,
) -> None:
    """Both in one turn of the reactor, which knows the slow one by two descriptors."""
    with calm():
        async with listening(tmp_path) as registry:
            path = place_large(registry)
            for number in range(6):
                for _ in range(number % 2):
                    # after one alone, the reactor takes one or many in a turn
                    await registry.exchange(asking("GET", "/v2/"))
                slow = socket.create_connection((LOCALHOST, registry.port))
                slow.sendall(asking("GET", path))
                for _ in range(20):
                    await turn()
                assert registry.opened
                slow.sendall(b"GET")
                await deferLater(reactor, 0)  # what was ready now comes first again
                others = [
                    socket.create_connection((LOCALHOST, registry.port))
                    for _ in range(10)
                ]
                for other in others:
                    other.sendall(asking("GET", "/v2/"))
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                slow.close()
                while registry.opened:
                    await turn()
                for other in others:
                    assert (await deferToThread(other.recv, 15)) == b"HTTP/1.1 200 OK"
                    other.close()


@SECURE
@pytest_twisted.ensureDeferred
async def test_a_stalled_reader_is_cut_off_and_lets_go_of_the_file(
    tmp_path: Path, is_secure: bool
) -> None:
    limits = Limits(send_timeout=0.5)
    async with listening(tmp_path, is_secure=is_secure, limits=limits) as registry:
        path = place_large(registry)
        client = await pulling(registry, asking("GET", path))
        client.transport.pauseProducing()
        await all_gone(registry.site)
        assert not registry.opened
        client.transport.abortConnection()
        await client.closed


@SECURE
@pytest_twisted.ensureDeferred
async def test_many_requests_sent_ahead_are_held_in_small_parts(
    tmp_path: Path, is_secure: bool
) -> None:
    """A client that does not read its first answer has few more requests held."""
    async with listening(tmp_path, is_secure=is_secure) as registry:
        path = place_large(registry)
        client = await pulling(registry, request_bytes("GET", path))
        client.transport.pauseProducing()
        ahead = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        client.transport.write(ahead * 9999)
        [channel] = registry.site._channels
        while not channel.reading.is_paused:
            await turn()
        assert len(channel.arrivals.requests) < 500
        channel.abort()
        await all_gone(registry.site)
        client.transport.abortConnection()
