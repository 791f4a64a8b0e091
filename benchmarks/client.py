"""The outside of a loading client: a process of its own that waits for its start."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from benchmarks.connection import Address
from benchmarks.failure import LoadFailed
from benchmarks.outcome import Outcome

PATIENCE = 120
"""Seconds that preparing or running may take."""

CHECKOUT = Path(__file__).resolve().parent.parent


class Client:
    """``python -m benchmarks.push`` or ``pull``, ready to go once it is made.

    Use it as a context manager: leaving kills the process if it still runs.
    """

    def __init__(self, module: str, address: Address, **options: object) -> None:
        asked = {"port": address.port, "certificate": address.certificate, **options}
        command = [sys.executable, "-m", f"benchmarks.{module}"]
        for name, value in asked.items():
            if value is not None:
                command += [f"--{name.replace('_', '-')}", str(value)]
        self._popen = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        stdout = _stream(self._popen.stdout)
        readable, _, _ = select.select([stdout], [], [], PATIENCE)
        line = stdout.readline() if readable else ""
        if line != "ready\n":
            self._end()
            raise LoadFailed(_reason(line))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def running(self) -> bool:
        """Whether it is still at work."""
        return self._popen.poll() is None

    def go(self) -> None:
        """Start the load."""
        stdin = _stream(self._popen.stdin)
        stdin.write("go\n")
        stdin.flush()

    def outcome(self) -> Outcome:
        """Wait for the end; what it saw. Raises LoadFailed."""
        try:
            output, _ = self._popen.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise LoadFailed(f"the load did not end in {PATIENCE} s") from None
        lines = output.splitlines()
        if not lines:
            raise LoadFailed("the client ended without a result")
        result = json.loads(lines[-1])
        if "failed" in result:
            raise LoadFailed(result["failed"])
        return Outcome(**result)

    def _end(self) -> None:
        if self.running:
            self._popen.kill()
        self._popen.communicate()


def _reason(line: str) -> str:
    """Why a client that did not get ready did not."""
    try:
        return str(json.loads(line)["failed"])
    except (ValueError, KeyError):
        return f"the loading client did not start: {line.strip()[:200]}"


def _stream(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise LoadFailed("the client has no standard streams")
    return stream
