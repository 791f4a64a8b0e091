"""A registry as a real process on a directory: ours, or Distribution's.

Both get the same configuration file, so that a test may exchange one for the other.
Tests of our own options, and of what ours says, use ``registry_process.py``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from registry.testing.client import Client
from registry.testing.programs import (
    Command,
    Program,
    answers_on_port,
    free_port,
    our_program,
)

OURS = (our_program("registry"), "serve")
TWISTD = (our_program("twistd"), "--nodaemon", "--pidfile=", "registry", "--config")
"""The two ways to run ours; like all of these to be followed by the configuration."""

DISTRIBUTION = ("docker-registry", "serve")
"""CNCF Distribution as Debian packages it."""

SECRET = "the same for every server of a test"  # noqa: S105 - it guards nothing

CONFIGURATION = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: {storage}
  delete:
    enabled: true
http:
  addr: 127.0.0.1:{port}
  secret: {secret}
"""


class Server(Program):
    """A registry that serves ``storage``; its log and configuration are in ``work``.

    ``http`` is further lines of that part of the configuration.
    """

    def __init__(
        self, *, command: Sequence[str], storage: str, work: str, http: str = ""
    ) -> None:
        port = free_port()
        name = os.path.join(work, f"{os.path.basename(command[0])}-{port}")
        self.configuration = f"{name}.yml"
        super().__init__(
            command=[*command, self.configuration],
            log=f"{name}.log",
            is_ready=lambda: answers_on_port(port),
        )
        with open(self.configuration, "w", encoding="utf-8") as file:
            text = CONFIGURATION.format(storage=storage, port=port, secret=SECRET)
            file.write(text + http)
        self.client = Client(port=port)

    @property
    def address(self) -> str:
        """``host:port``, as image names begin."""
        return self.client.address


class SharedDirectory:
    """A storage directory that one server after the other serves, never two at once."""

    def __init__(self, *, root: str) -> None:
        self.storage = os.path.join(root, "storage")
        self.programs: list[Server] = []
        self._work = root

    def ours(self) -> Client:
        """Our server on the directory, whoever served it before."""
        return self._served_by(OURS)

    def distribution(self) -> Client:
        """Distribution on the directory, whoever served it before."""
        return self._served_by(DISTRIBUTION)

    def collect_garbage(self) -> str:
        """Have Distribution collect garbage while nobody serves; what it printed."""
        self.stop()
        collect = Command(["docker-registry", "garbage-collect"])
        return collect(self.programs[-1].configuration)

    def stop(self) -> None:
        """Stop whoever serves it."""
        for server in self.programs:
            server.stop()

    def crash(self) -> None:
        """End whoever serves it without a chance to tidy up."""
        for server in self.programs:
            server.kill()

    def _served_by(self, command: Sequence[str]) -> Client:
        self.stop()
        server = Server(command=command, storage=self.storage, work=self._work)
        self.programs.append(server)
        server.start()
        return server.client
