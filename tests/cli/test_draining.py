"""SIGTERM: what is being answered is answered, and nothing is lost."""

from __future__ import annotations

import os
import signal
import socket
from http.client import HTTPConnection
from pathlib import Path

import pytest

from registry.core.digest import Digest
from registry.testing.registry_process import WAIT, WAYS, RegistryProcess

PATIENT = "http: {draintimeout: 1h}\n"
both_ways = pytest.mark.parametrize("way", WAYS)


def a_registry(tmp_path: Path, way: str = "registry", **given: str) -> RegistryProcess:
    return RegistryProcess(root=str(tmp_path), command=WAYS[way], **given)


def connected(server: RegistryProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=WAIT)


def half_a_push(server: RegistryProcess, path: str) -> socket.socket:
    """A connection on which a body of 10 bytes has stopped after 4."""
    connection = connected(server)
    head = f"PATCH {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n"
    connection.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
    assert b"100 Continue" in connection.recv(100)
    connection.sendall(b"half")
    return connection


@both_ways
def test_what_is_being_answered_is_finished_and_then_the_process_ends_well(
    tmp_path: Path, way: str
) -> None:
    with a_registry(tmp_path, way, options=PATIENT) as server:
        session = server.client.start_upload("a")
        with half_a_push(server, session.path) as connection:
            server.signal(signal.SIGTERM)
            server.said("waits up to 3600 s for requests in progress: 1")
            connection.sendall(b" a pus")
            answer = connection.makefile("rb").read()
        assert server.end() == 0
    assert answer.startswith(b"HTTP/1.1 202 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert "level=error" not in server.log
    with a_registry(tmp_path, way) as later:
        assert later.client.get(session.path).header("Range") == "0-9"


@both_ways
def test_an_idle_process_ends_at_once_and_well(tmp_path: Path, way: str) -> None:
    with a_registry(tmp_path, way, options=PATIENT) as server:
        assert server.stop() == 0
    assert "Traceback" not in server.log


def test_connections_at_rest_are_closed_at_once_and_no_new_ones_come(
    tmp_path: Path,
) -> None:
    with a_registry(tmp_path, options=PATIENT) as server:
        session = server.client.start_upload("a")
        resting = HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
        resting.request("GET", "/v2/")
        assert resting.getresponse().read() == b"{}"
        assert resting.sock is not None
        with half_a_push(server, session.path):
            server.signal(signal.SIGTERM)
            server.said("waits up to")
            assert resting.sock.recv(100) == b""
            with pytest.raises(ConnectionRefusedError):
                connected(server)
            server.signal(signal.SIGTERM)
            assert server.end() == 0


def test_a_request_whose_head_has_begun_to_arrive_is_answered(tmp_path: Path) -> None:
    with a_registry(tmp_path, options=PATIENT) as server, connected(server) as begun:
        begun.sendall(b"GET /v2/ HTTP/1.1\r\nHo")
        server.client.get("/v2/").expect(200)  # so it has read the other one too
        server.signal(signal.SIGTERM)
        server.said("requests in progress: 1")
        begun.sendall(b"st: a\r\n\r\n")
        assert begun.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
        assert server.end() == 0


@pytest.mark.parametrize(
    ("way", "second"), [("registry", signal.SIGINT), ("twistd", signal.SIGTERM)]
)
def test_a_second_signal_does_not_wait_and_keeps_what_has_arrived(
    tmp_path: Path, way: str, second: signal.Signals
) -> None:
    with a_registry(tmp_path, way, options=PATIENT) as server:
        session = server.client.start_upload("a")
        with half_a_push(server, session.path):
            server.signal(signal.SIGTERM)
            server.said("another signal stops at once")
            server.signal(second)
            assert server.end() == 0
    assert "requests cut off: 1" in server.log
    assert "Traceback" not in server.log
    with a_registry(tmp_path, way) as later:
        assert later.client.get(session.path).header("Range") == "0-3"
        session.client = later.client
        session.append(b" a push", start=4).expect(202)
        session.commit(b"half a push")


def test_a_push_that_takes_longer_than_the_patience_is_cut_off_with_a_true_offset(
    tmp_path: Path,
) -> None:
    with a_registry(tmp_path, options="http: {draintimeout: 50ms}\n") as server:
        session = server.client.start_upload("a")
        with half_a_push(server, session.path):
            server.signal(signal.SIGTERM)
            assert server.end() == 0
    with a_registry(tmp_path) as later:
        assert later.client.get(session.path).header("Range") == "0-3"


@both_ways
def test_a_second_process_is_told_who_has_the_storage(tmp_path: Path, way: str) -> None:
    with a_registry(tmp_path, way) as first:
        second = a_registry(tmp_path, way)
        second.start(until="cannot start")
        assert second.end() == 1
        for word in (
            str(tmp_path / "storage"),
            f"pid {first.process.pid} on {socket.gethostname()}",
            "since 20",
            f"configured by {first.configuration}",
            "stop that one, or give this one a root of its own",
        ):
            assert word in second.log
        assert "Traceback" not in second.log
        digest = first.client.push_blob("a", b"not disturbed")
        assert first.client.blob("a", digest).expect(200)


def test_what_a_killed_process_held_is_free(tmp_path: Path) -> None:
    with a_registry(tmp_path) as first:
        first.client.push_blob("a", b"kept")
        first.signal(signal.SIGKILL)
        assert first.end() == -signal.SIGKILL
    assert os.path.exists(tmp_path / "storage/_registry/lock")
    with a_registry(tmp_path) as second:
        assert second.client.blob("a", Digest.of(b"kept")).expect(200)
