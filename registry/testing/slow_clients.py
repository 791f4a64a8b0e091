"""Slow clients: many connections that each send a byte now and then, and hold on.

They run on one thread, so a test or a measurement goes on beside them. Half of a
thousand may dribble their headers and half their bodies; the server decides how long.

    with SlowClients(port=port, heads=500, bodies=500, every=1.0) as slow:
        ...                       # what others see meanwhile
    slow.answers()                # what each was told, b"" for none
"""

from __future__ import annotations

import selectors
import socket
import time
from threading import Event, Thread
from types import TracebackType
from typing import Self

TICK = 0.02
"""Seconds between two looks at what has come."""

HEAD = b"GET /v2/ HTTP/1.1\r\nHost: slow\r\nX-Slow: "

BODY = (
    b"POST /v2/slow/blobs/uploads/?digest=sha256:%s HTTP/1.1\r\nHost: slow\r\n"
    b"Content-Length: 1000000\r\n\r\n" % (b"0" * 64)
)

MOST = 64 * 1024
"""Bytes of an answer that are kept."""


class SlowClient:
    """One connection; ``received`` is all that the server has said."""

    def __init__(self, *, port: int, start: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.sendall(start)
        self.socket.setblocking(False)
        self.received = b""
        self.is_open = True

    def drip(self) -> None:
        """Send one byte more."""
        try:
            self.socket.send(b"x")
        except BlockingIOError:
            return
        except OSError:
            self.is_open = False

    def read(self) -> None:
        """Take what has come, or notice the end."""
        try:
            data = self.socket.recv(MOST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.received = (self.received + data)[:MOST]
        self.is_open = bool(data)


class SlowClients:
    """``heads`` and ``bodies`` that send a byte ``every`` so many seconds.

    A client whose connection has ended does not come back.
    """

    def __init__(
        self, *, port: int, heads: int = 0, bodies: int = 0, every: float = 0.5
    ) -> None:
        self._port = port
        self._starts = [HEAD] * heads + [BODY] * bodies
        self._every = every
        self._clients: list[SlowClient] = []
        self._selector = selectors.DefaultSelector()
        self._is_over = Event()
        self._thread = Thread(target=self._run, name="slow clients")

    def __enter__(self) -> Self:
        for start in self._starts:
            client = SlowClient(port=self._port, start=start)
            self._selector.register(client.socket, selectors.EVENT_READ, client)
            self._clients.append(client)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()
        for client in self._clients:
            client.socket.close()
        self._selector.close()

    @property
    def open(self) -> int:
        """How many the server still holds."""
        return sum(client.is_open for client in self._clients)

    def answers(self) -> list[bytes]:
        """What each was told."""
        return [client.received for client in self._clients]

    def outlast(self, seconds: float) -> bool:
        """Wait until the server has let go of all; False after so many seconds."""
        deadline = time.monotonic() + seconds
        while self.open and time.monotonic() < deadline:
            self._is_over.wait(TICK)
        return not self.open

    def _run(self) -> None:
        """Read what comes, and send to each in its turn."""
        step = self._every / len(self._clients)
        turn, due = time.monotonic(), 0
        while not self._is_over.is_set():
            for key, _ in self._selector.select(TICK):
                self._read(key.data)
            while time.monotonic() > turn:
                client = self._clients[due]
                if client.is_open:
                    client.drip()
                due = (due + 1) % len(self._clients)
                turn += step

    def _read(self, client: SlowClient) -> None:
        client.read()
        if not client.is_open:
            self._selector.unregister(client.socket)
