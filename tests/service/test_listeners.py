"""Where a registry listens, with real sockets."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread

from registry.config.listen import Address, parse_address
from registry.service.listeners import Listener, ListenFailed, listen


class Greeting(Protocol):
    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(b"hello")
        self.transport.loseConnection()


@asynccontextmanager
async def listening(address: Address, **options: Any) -> AsyncIterator[Listener]:
    factory = Factory.forProtocol(Greeting)
    listener = await listen(
        address=address, factory=factory, reactor=reactor, **options
    )
    try:
        yield listener
    finally:
        await listener.close()


async def refusal(address: Address, **options: Any) -> str:
    with pytest.raises(ListenFailed) as caught:
        async with listening(address, **options):
            pass
    return str(caught.value)


def greeting(family: int, address: Any) -> bytes:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect(address)
        return client.recv(100)


def port_of(listener: Listener) -> int:
    return int(listener.url.rpartition(":")[2])


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    "text", ["127.0.0.1:0", "localhost:0", "tcp:port=0:interface=127.0.0.1"]
)
async def test_a_free_port_is_told(text: str) -> None:
    async with listening(parse_address(text)) as listener:
        port = port_of(listener)
        assert listener.url == f"http://127.0.0.1:{port}"
        there = (socket.AF_INET, ("127.0.0.1", port))
        assert await deferToThread(greeting, *there) == b"hello"


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("text", ["[::1]:0", r"tcp6:port=0:interface=\:\:1"])
async def test_an_ipv6_address_is_told_in_brackets(text: str) -> None:
    async with listening(parse_address(text)) as listener:
        port = port_of(listener)
        assert listener.url == f"http://[::1]:{port}"
        there = (socket.AF_INET6, ("::1", port))
        assert await deferToThread(greeting, *there) == b"hello"


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("text", [":0", "[::]:0"])
async def test_a_port_alone_is_open_for_both_protocols(text: str) -> None:
    async with listening(parse_address(text)) as listener:
        port = port_of(listener)
        four = (socket.AF_INET, ("127.0.0.1", port))
        six = (socket.AF_INET6, ("::1", port))
        assert await deferToThread(greeting, *four) == b"hello"
        assert await deferToThread(greeting, *six) == b"hello"


@pytest_twisted.ensureDeferred
async def test_a_unix_socket_is_for_owner_and_group(tmp_path: Path) -> None:
    place = tmp_path / "registry.sock"
    path = str(place)
    async with listening(parse_address(path, "unix")) as listener:
        assert listener.url == f"unix:{path}"
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
        assert await deferToThread(greeting, socket.AF_UNIX, path) == b"hello"
    assert not place.is_socket()


@pytest_twisted.ensureDeferred
async def test_a_unix_socket_has_the_mode_that_its_endpoint_names(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "registry.sock")
    async with listening(parse_address(f"unix:{path}:mode=600")):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest_twisted.ensureDeferred
async def test_what_a_crash_left_of_a_unix_socket_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "registry.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as crashed:
        crashed.bind(path)
    async with listening(parse_address(path, "unix")):
        assert await deferToThread(greeting, socket.AF_UNIX, path) == b"hello"


@pytest_twisted.ensureDeferred
async def test_a_unix_socket_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "registry.sock"
    path = str(place)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(path)
        other.listen()
        assert "another process listens there" in await refusal(
            parse_address(path, "unix")
        )
        assert place.is_socket()


@pytest_twisted.ensureDeferred
async def test_a_file_is_not_taken_for_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "registry.sock"
    path.write_text("precious")
    told = await refusal(parse_address(str(path), "unix"))
    assert "not a socket" in told
    assert path.read_text() == "precious"


@pytest_twisted.ensureDeferred
async def test_a_unix_socket_needs_its_directory(tmp_path: Path) -> None:
    told = await refusal(parse_address(str(tmp_path / "no" / "r.sock"), "unix"))
    assert told.endswith("the directory does not exist; make it first")


@pytest_twisted.ensureDeferred
async def test_a_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / ("x" * 120))
    assert "too long" in await refusal(parse_address(path, "unix"))


@pytest_twisted.ensureDeferred
async def test_a_port_in_use_is_refused_with_address_and_option() -> None:
    async with listening(parse_address("127.0.0.1:0")) as listener:
        port = port_of(listener)
        told = await refusal(
            parse_address(f"127.0.0.1:{port}"), option="http.debug.addr"
        )
    assert told == (
        f"cannot listen on 127.0.0.1:{port} (http.debug.addr):"
        " something else listens there; stop it, or listen elsewhere"
    )


@pytest_twisted.ensureDeferred
async def test_an_address_of_another_machine_is_refused() -> None:
    told = await refusal(parse_address("192.0.2.1:0"))
    assert "this machine has no such address" in told


@pytest_twisted.ensureDeferred
async def test_a_name_that_does_not_exist_is_refused() -> None:
    told = await refusal(parse_address("nobody.invalid:0"))
    assert "cannot be looked up" in told


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    "text",
    [
        "unix:/tmp/x:colour=red",
        "unix:/tmp/x:mode=rw",
        "unix:mode=660",
        "tcp:port=0:colour=red",
        "tcp:port=x:interface=127.0.0.1",
    ],
)
async def test_an_endpoint_that_makes_no_sense_is_refused(text: str) -> None:
    assert (await refusal(parse_address(text))).startswith(f"cannot listen on {text}")


@pytest_twisted.ensureDeferred
async def test_a_socket_that_systemd_did_not_pass_is_refused() -> None:
    told = await refusal(parse_address("systemd:domain=INET:index=0"))
    assert "systemd has passed no such socket" in told


SERVER = """
import sys
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from registry.config.listen import parse_address
from registry.service.listeners import listen

async def main():
    address = parse_address("systemd:domain=INET:index=0")
    factory = Factory.forProtocol(Protocol)
    listener = await listen(address=address, factory=factory, reactor=reactor)
    print(listener.url)

def done(outcome):
    reactor.stop()
    return outcome

reactor.callWhenRunning(lambda: Deferred.fromCoroutine(main()).addBoth(done))
reactor.run()
"""


AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="http")
os.execv(sys.executable, [sys.executable, "-c", sys.argv[2]])
"""


def test_a_socket_from_systemd_is_used() -> None:
    with socket.socket() as passed:
        passed.bind(("127.0.0.1", 0))
        passed.listen()
        port = passed.getsockname()[1]
        child = subprocess.run(
            [sys.executable, "-c", AS_SYSTEMD, str(passed.fileno()), SERVER],
            pass_fds=[passed.fileno()],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (child.stdout, child.stderr) == (f"http://127.0.0.1:{port}\n", "")
