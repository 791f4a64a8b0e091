"""How a registry ends: at once, after its requests, or when it cannot even start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.testing.programs import free_port, our_program
from registry.testing.servers import OURS, SharedDirectory

WAIT = 30
"""Seconds after which a test gives up; nothing waits so long when all is well."""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[SharedDirectory]:
    directory = SharedDirectory(root=str(tmp_path))
    yield directory
    directory.stop()


def half_a_push(directory: SharedDirectory, path: str) -> socket.socket:
    """A connection on which a body of 10 bytes has stopped after 4."""
    port = directory.programs[-1].client.port
    connection = socket.create_connection(("127.0.0.1", port), timeout=WAIT)
    head = f"PATCH {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n"
    connection.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
    assert b"100 Continue" in connection.recv(100)
    connection.sendall(b"half")
    return connection


def test_a_push_that_is_cut_off_by_a_stop_keeps_a_true_offset(
    directory: SharedDirectory,
) -> None:
    session = directory.ours().start_upload("a")
    with half_a_push(directory, session.path):
        server = directory.programs[-1]
        server.stop()
    assert "requests cut off: 1" in server.log()
    assert "level=error" not in server.log()
    assert directory.ours().get(session.path).expect(204).header("Range") == "0-3"


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "REGISTRY_HTTP_DRAINTIMEOUT": "1h"}
    process = subprocess.Popen(
        [*OURS, "--port", str(port), "--storage", str(tmp_path / "s")],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=environment,
        text=True,
    )
    assert process.stderr is not None
    try:
        said(process, "no authentication")
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as client:
            client.sendall(
                b"POST /v2/a/blobs/uploads/?digest=sha256:"
                + b"0" * 64
                + b" HTTP/1.1\r\n"
                b"Host: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"
            )
            assert b"100 Continue" in client.recv(100)
            process.send_signal(signal.SIGTERM)
            said(process, "another signal stops at once")
            process.send_signal(signal.SIGTERM)
            rest = process.communicate(timeout=WAIT)[1]
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Traceback" not in rest


def said(process: subprocess.Popen[str], words: str) -> None:
    """Wait until the process has logged a line with ``words``."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"it ended without saying {words!r}")


@pytest.mark.parametrize(
    "command",
    [
        [*OURS],
        [our_program("twistd"), "--nodaemon", "--pidfile=", "registry"],
    ],
    ids=["registry", "twistd"],
)
def test_what_cannot_start_says_why_and_ends(
    command: list[str], tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    port = str(free_port())
    ended = subprocess.run(
        [*command, "--port", port, "--storage", str(blocked)],
        capture_output=True,
        cwd=tmp_path,
        text=True,
        timeout=WAIT,
    )
    assert ended.returncode == 1
    assert "cannot start" in ended.stderr
    assert "Traceback" not in ended.stderr
