"""Programs are started, waited for, and stopped; what went wrong is told."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.testing.programs import (
    Command,
    Program,
    ProgramError,
    answers_on_port,
    free_port,
)

LISTEN = """
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
held = []
while True:
    held.append(listener.accept())
"""

STARTER = """
import sys
from registry.testing.programs import Program, answers_on_port
port, log, code = int(sys.argv[1]), sys.argv[2], sys.argv[3]
Program(
    command=[sys.executable, "-c", code, str(port)],
    log=log,
    is_ready=lambda: answers_on_port(port),
).start()
print("started", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def port() -> int:
    return free_port()


def python(tmp_path: Path, port: int, code: str) -> Program:
    """A Python program that is ready when ``port`` answers."""
    return Program(
        command=[sys.executable, "-c", code, str(port)],
        log=str(tmp_path / "log"),
        is_ready=lambda: answers_on_port(port),
    )


@pytest.mark.parametrize("end", [Program.stop, Program.kill])
def test_a_program_answers_until_it_is_ended(
    tmp_path: Path, end: Callable[[Program], None], port: int
) -> None:
    program = python(tmp_path, port, LISTEN)
    program.start()
    assert answers_on_port(port)

    end(program)

    assert not answers_on_port(port)
    assert program.log() == "listening\n"


def test_a_program_ends_when_its_starter_was_killed(tmp_path: Path, port: int) -> None:
    arguments = [str(port), str(tmp_path / "log"), LISTEN]
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"started\n"
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            starter.kill()

            assert connection.recv(1) == b""


def test_a_program_that_ends_at_once_is_an_error_with_its_log(
    tmp_path: Path, port: int
) -> None:
    program = python(tmp_path, port, "print('no such disk'); raise SystemExit(3)")

    with pytest.raises(ProgramError, match=r"ended with 3\nno such disk"):
        program.start()


def test_the_log_is_there_for_a_program_that_never_started(tmp_path: Path) -> None:
    assert python(tmp_path, 1, LISTEN).log() == ""


def test_a_command_that_fails_is_an_error_with_all_that_it_said() -> None:
    command = Command([sys.executable, "-c"])

    with pytest.raises(ProgramError, match="one") as failed:
        command("import sys; print('one'); sys.exit('two')")
    assert "two" in str(failed.value)


def test_a_command_sees_its_environment() -> None:
    command = Command([sys.executable, "-c"], environment={"COLOUR": "blue"})

    assert command("import os; print(os.environ['COLOUR'])") == "blue\n"
