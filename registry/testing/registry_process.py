"""Our server as a process of a test: its configuration, its log, its end.

What it says comes through a pipe, line by line, and touches no disk: that may be full,
and a test may wait for a line. Where a test only needs a registry that serves, one of
``servers.py`` is enough.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from registry.testing.client import Client
from registry.testing.programs import DIES_WITH_US, free_port
from registry.testing.servers import OURS, TWISTD

WAIT = 30.0
"""Seconds after which a test gives up."""

WAYS = {"registry": OURS, "twistd": TWISTD}
"""The two ways to run it, by the names of the programs."""

STORED = "storage: {{filesystem: {{rootdirectory: {root}/storage}}}}\n"


class RegistryProcess:
    """A server on ``options`` (YAML without version and http.addr), below ``root``.

    Its log is read line by line: ``said`` waits for one.
    """

    def __init__(
        self,
        *,
        root: str,
        options: str = "",
        command: Sequence[str] = OURS,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self.configuration = os.path.join(root, f"{self.port}.yml")
        self.client = Client(port=self.port)
        self.lines: list[str] = []
        self._root = root
        self._command = command
        self._environment = {
            **os.environ,
            "REGISTRY_HTTP_ADDR": f"127.0.0.1:{self.port}",
            **(environment or {}),
        }
        self._news = threading.Condition()
        self._seen = 0
        self.configure(options)

    def configure(self, options: str) -> None:
        """Write another configuration; it is not told to read it."""
        storage = "" if "storage:" in options else STORED.format(root=self._root)
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(f"version: 0.1\n{storage}{options}")

    def start(self, *, until: str = "no authentication") -> Self:
        """Start it, and wait until it has said so."""
        self.process = subprocess.Popen(  # noqa: S603 - the tests' own command
            [*DIES_WITH_US, *self._command, self.configuration],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment,
            cwd=self._root,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.said(until)
        except AssertionError:
            self.process.kill()
            self.end()
            raise
        return self

    def said(self, words: str) -> str:
        """The next line with ``words``, after those that were waited for before."""
        with self._news:
            while True:
                for at in range(self._seen, len(self.lines)):
                    if words in self.lines[at]:
                        self._seen = at + 1
                        return self.lines[at]
                alive = self._reader.is_alive()
                if not alive or not self._news.wait(WAIT):
                    raise AssertionError(f"it has not said {words!r}:\n{self.log}")

    @property
    def log(self) -> str:
        """All that it has said."""
        return "".join(self.lines)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for its end; the exit status."""
        status = self.process.wait(WAIT)
        self._reader.join(WAIT)
        return status

    def stop(self) -> int:
        """SIGTERM, and its exit status."""
        self.signal(signal.SIGTERM)
        return self.end()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(WAIT)
        if self.process.poll() is None:
            self.process.kill()
        self.end()
