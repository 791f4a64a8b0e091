"""A plain HTTP/1.1 client on one socket, for probes and for the loading clients."""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Iterable

import attrs

from benchmarks.failure import LoadFailed

PATIENCE = 60
"""Seconds that one read or write may take."""

BUFFER = 1 << 20
"""Bytes asked of the kernel at a time when a body is only counted."""

READ_AHEAD = 8 << 10
"""Bytes that may have been read together with the head of an answer."""


@attrs.frozen
class Address:
    """Where a server listens; ``certificate`` is a file to trust, or none for TCP."""

    port: int
    certificate: str | None = None

    @property
    def url(self) -> str:
        """The root of the server, without a slash at the end."""
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        """A connected socket, secured when there is a certificate."""
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.certificate is None:
            return plain
        context = ssl.create_default_context(cafile=self.certificate)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")


@attrs.frozen
class Answer:
    """A status and its headers (names in lower case)."""

    status: int
    headers: dict[str, str]

    @property
    def length(self) -> int:
        """The length of the body, as the server announced it."""
        return int(self.headers.get("content-length", 0))


class Connection:
    """One connection that is kept between requests.

    Every method raises LoadFailed when the server closes early or answers nonsense.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._socket = address.connect()
        self._file = io.BufferedReader(self._socket.makefile("rb", 0), READ_AHEAD)
        self._spare = bytearray(BUFFER)

    def close(self) -> None:
        """Close the socket."""
        self._file.close()
        self._socket.close()

    def head(
        self, method: str, target: str, headers: Iterable[tuple[str, str]] = ()
    ) -> bytes:
        """The bytes that start a request."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{self._address.port}"]
        lines += [f"{name}: {value}" for name, value in headers]
        return "\r\n".join([*lines, "", ""]).encode()

    def send(self, *pieces: bytes | memoryview) -> None:
        """Send prepared bytes."""
        for piece in pieces:
            self._socket.sendall(piece)

    def answer(self) -> Answer:
        """Read the head of an answer."""
        status = self._line().split(" ", 2)
        if len(status) < 2 or not status[1].isdigit():
            raise LoadFailed(f"no HTTP answer: {' '.join(status)[:80]!r}")
        headers = {}
        while line := self._line():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return Answer(int(status[1]), headers)

    def body(self, answer: Answer) -> bytes:
        """Read a whole body into memory."""
        if answer.headers.get("transfer-encoding") != "chunked":
            return self._exactly(answer.length)
        pieces = []
        while size := int(self._line().split(";")[0], 16):
            pieces.append(self._exactly(size))
            self._line()
        self._line()
        return b"".join(pieces)

    def count(self, answer: Answer) -> int:
        """Read a body of known length and throw it away; how many bytes it had.

        Without TLS the kernel drops the bytes instead of copying them (tcp(7),
        MSG_TRUNC), so that the client costs as little as it can.
        """
        flags = 0 if self._address.certificate else socket.MSG_TRUNC
        left = answer.length
        if left:
            left -= len(self._file.read1(min(left, READ_AHEAD)))
        view = memoryview(self._spare)
        while left:
            got = self._socket.recv_into(view[:left], 0, flags)
            if not got:
                raise LoadFailed("the connection closed before the body's end")
            left -= got
        return answer.length

    def ask(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]] = (),
    ) -> tuple[Answer, bytes]:
        """One request without a body and its whole answer."""
        self.send(self.head(method, target, headers))
        answer = self.answer()
        return answer, b"" if method == "HEAD" else self.body(answer)

    def _line(self) -> str:
        line = self._file.readline(65536)
        if not line.endswith(b"\n"):
            raise LoadFailed("the connection closed before the answer's end")
        return line.decode("latin-1").rstrip("\r\n")

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise LoadFailed("the connection closed before the body's end")
        return data
