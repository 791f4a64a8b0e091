"""A file system of a few megabytes, for a server of a test alone.

A tmpfs in the server's own mount namespace: it is gone when the server is, whatever
ends it. From outside it is seen through ``/proc/<pid>/root``.
"""

from __future__ import annotations

import os
import socket

from registry.testing.client import Client
from registry.testing.programs import Program, answers_on_port, free_port
from registry.testing.servers import OURS

CONFIGURATION = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: {mount}/root
    reserve: {{size: {reserve}, inodes: {reserved_inodes}}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}", secret: for tests}}
"""

MOUNTED = 'mount -t tmpfs -o "size=$1,nr_inodes=$2" none "$3" && shift 3 && exec "$@"'


def mounted(place: str, *, size: int, inodes: int = 2000) -> list[str]:
    """What precedes a command that is to find a small disk at ``place``."""
    alone = ("unshare", "--map-root-user", "--mount", "sh", "-c", MOUNTED, "sh")
    return [*alone, str(size), str(inodes), place]


class SmallServer(Program):
    """Our server on a disk of ``size`` bytes and ``inodes`` files below ``work``."""

    def __init__(
        self,
        *,
        work: str,
        size: int,
        inodes: int = 2000,
        reserve: str = "0",
        reserved_inodes: str = "0",
    ) -> None:
        port = free_port()
        mount = os.path.join(work, "mount")
        os.mkdir(mount)
        configuration = os.path.join(work, "c.yml")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(
                CONFIGURATION.format(
                    mount=mount,
                    reserve=reserve,
                    reserved_inodes=reserved_inodes,
                    port=port,
                )
            )
        super().__init__(
            command=[
                *mounted(mount, size=size, inodes=inodes),
                *OURS,
                configuration,
            ],
            log=os.path.join(work, "log"),
            is_ready=lambda: answers_on_port(port),
        )
        self._mount = mount
        self.client = Client(port=port)

    def path(self, *parts: str) -> str:
        """A place on the small disk, as others see it."""
        return os.path.join(f"/proc/{self.pid}/root{self._mount}", *parts)

    def fill(self, *, leave: int = 0) -> None:
        """Have somebody else write all that is free, but for ``leave`` bytes."""
        status = os.statvfs(self.path())
        size = status.f_bavail * status.f_frsize - leave
        with open(self.path("filler"), "wb") as file:
            file.write(bytes(size))
        self.look()

    def use_inodes(self, *, leave: int) -> None:
        """Have somebody else make files until there can be only ``leave`` more."""
        os.mkdir(self.path("files"))
        for number in range(os.statvfs(self.path()).f_favail - leave):
            with open(self.path("files", str(number)), "wb"):
                pass
        self.look()

    def look(self) -> None:
        """Have the server look at its disk: it does before it refuses a push."""
        path = "/v2/too-large/blobs/uploads/?digest=sha256:" + "0" * 64
        request = f"POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        with socket.create_connection(("127.0.0.1", self.client.port)) as connection:
            connection.sendall(f"{request}Content-Length: {2**50}\r\n\r\n".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 507 ")

    def make_room(self) -> None:
        """Have them remove what they wrote."""
        os.unlink(self.path("filler"))
