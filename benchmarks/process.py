"""A process under measurement: started here, stopped by its own pid."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.failure import LoadFailed

STOP_PATIENCE = 10
"""Seconds between asking a server to stop and killing it."""

_TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """One server with all the processes that it starts.

    It leads a session of its own, so an interrupt typed at the terminal reaches only
    us, and we stop it in order.
    """

    def __init__(self, *, command: Sequence[str], directory: Path) -> None:
        self.command = command
        self._log = directory / "output.log"
        with self._log.open("ab") as log:
            self._popen = subprocess.Popen(
                command,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._popen.poll() is None

    def require_alive(self) -> None:
        """Raise LoadFailed, with its last words, when it has ended."""
        if not self.alive:
            raise LoadFailed(
                f"the server ended with status {self._popen.returncode}: {self.tail()}"
            )

    def tail(self, limit: int = 300) -> str:
        """The last characters that it wrote, on one line."""
        return " ".join(self._log.read_text(errors="replace").split())[-limit:]

    def stop(self) -> None:
        """Ask it to stop; kill its own process group when it does not."""
        if self.alive:
            self._popen.terminate()
            try:
                self._popen.wait(STOP_PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self._popen.pid, signal.SIGKILL)
                self._popen.wait()

    def cpu(self) -> float:
        """CPU seconds used so far, by all threads and child processes.

        A child that ended is counted by its parent, so the sum never falls.
        """
        return sum(_cpu(pid) for pid in self._tree()) / _TICKS

    def peak(self) -> int:
        """The most memory that was resident since ``forget_peak``, in bytes.

        The sum over child processes counts the pages that they share once for each.
        """
        return sum(_peak(pid) for pid in self._tree())

    def forget_peak(self) -> None:
        """Let the peak start again from what is resident now (proc(5), clear_refs)."""
        for pid in self._tree():
            with contextlib.suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _tree(self) -> list[int]:
        self.require_alive()
        found = [self._popen.pid]
        for pid in found:
            found.extend(_children(pid))
        return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.extend(map(int, children.read_text().split()))
    return found


def _cpu(pid: int) -> int:
    with contextlib.suppress(OSError):
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, after_name[11:15]))  # utime stime cutime cstime
    return 0


def _peak(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
