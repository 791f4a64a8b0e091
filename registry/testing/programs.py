"""Real programs for tests: a registry or a daemon, started, waited for, stopped by pid.

Waits poll with a deadline and end early when the program does. What a program printed
is in its log, which a failed test shows.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import attrs

START_LIMIT = 30.0
"""Seconds a program may take until it answers."""
STOP_LIMIT = 20.0
"""Seconds a program may take to end after SIGTERM, before it is killed."""
POLL = 0.02
"""Seconds between two looks at a program."""
DIES_WITH_US = ("setpriv", "--pdeathsig", "TERM")
"""Have the kernel end a program when its starter is gone, however that ended."""
LOG_TAIL = 8000
"""Bytes of a log that are shown."""


class ProgramError(Exception):
    """A program did not start, or a command did not succeed; carries what it said."""


class Program:
    """A long-running program with its log in a file; a context manager.

    ``is_ready`` is asked until it says yes. ``directory`` is where it runs.
    """

    def __init__(
        self,
        *,
        command: Sequence[str],
        log: str,
        is_ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
        directory: str | None = None,
    ) -> None:
        self.command = list(command)
        self._log = log
        self._is_ready = is_ready
        self._environment = {**os.environ, **(environment or {})}
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return once it answers. Raises ProgramError."""
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the tests' own command
                [*DIES_WITH_US, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._directory,
            )
        try:
            if not self.until(self._is_ready, seconds=START_LIMIT):
                raise self._error(f"does not answer after {START_LIMIT} seconds")
        except ProgramError:
            self.stop()
            raise

    def until(self, is_so: Callable[[], bool], *, seconds: float) -> bool:
        """Whether it becomes so within that time. Raises ProgramError if it ends."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                return False
            self._pause()
        return True

    def _pause(self) -> None:
        """Let a moment pass between two looks; it is over when the program is."""
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            raise self._error(f"ended with {self._process.wait(POLL)}")

    def _error(self, outcome: str) -> ProgramError:
        return ProgramError(f"{self.command} {outcome}\n{self.log()}")

    def stop(self) -> None:
        """End it and wait until it has ended; a program that hangs is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End it at once, as a crash does: it can do nothing more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def pid(self) -> int:
        """Its process, while it runs."""
        assert self._process is not None, f"{self.command} does not run"
        return self._process.pid

    def log(self) -> str:
        """The end of what it printed."""
        if not os.path.exists(self._log):
            return ""
        with open(self._log, "rb") as log:
            log.seek(max(0, os.path.getsize(self._log) - LOG_TAIL))
            return log.read().decode(errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class Daemon(Program):
    """A program that answers on the Unix socket at ``socket``."""

    def __init__(self, *, command: Sequence[str], socket: str, log: str) -> None:
        super().__init__(
            command=command, log=log, is_ready=lambda: answers_on_socket(socket)
        )
        self.socket = socket


@attrs.frozen
class Command:
    """A client to run: its program and the options every run of it has."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = attrs.field(factory=dict)
    timeout: float = 120.0
    """Seconds that one run may take."""

    def __call__(self, *arguments: str) -> str:
        """What one run printed. Raises ProgramError with all that it said."""
        return self.output(*arguments).decode()

    def output(self, *arguments: str) -> bytes:
        """What one run printed, as bytes. Raises ProgramError."""
        command = [*self.arguments, *arguments]
        done = subprocess.run(  # noqa: S603 - the tests' own command
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=self.timeout,
            env={**os.environ, **self.environment},
            check=False,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise ProgramError(f"{command} ended with {done.returncode}:\n{said}")
        return done.stdout


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def answers_on_port(port: int) -> bool:
    """Whether something accepts connections on a port of the loopback interface."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def answers_on_socket(path: str) -> bool:
    """Whether something accepts connections on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        return probe.connect_ex(path) == 0


def our_program(name: str) -> str:
    """The path of a script that was installed beside this Python."""
    return os.path.join(os.path.dirname(sys.executable), name)
