"""The wire over a plain socket: bytes and files, slow clients, files that change."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IWriteDescriptor
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from registry.storage.held import HeldContent
from registry.testing.harness import calm
from registry.web.response import Piece
from registry.web.socket_wire import STEP, ReadAhead, SocketWire
from registry.web.wire import READ_SIZE

MIB = 1024 * 1024


class File:
    """An open file as content."""

    held = None

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self._fd).st_size

    def fileno(self) -> int | None:
        return self._fd

    async def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._fd, length, offset)

    def close(self) -> None:
        os.close(self._fd)


class Counted(HeldContent):
    """Content without a descriptor that remembers what was read of it."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.reads: list[tuple[int, int]] = []

    async def read(self, offset: int, length: int) -> bytes:
        self.reads.append((offset, length))
        return await super().read(offset, length)


class Writers(Clock):
    """A reactor that only remembers who wants to write."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[IWriteDescriptor] = []

    def addWriter(self, writer: IWriteDescriptor) -> None:
        assert writer not in self.waiting
        self.waiting.append(writer)

    def removeWriter(self, writer: IWriteDescriptor) -> None:
        self.waiting.remove(writer)

    def turn(self) -> bool:
        """Let everybody write once; whether anybody did."""
        ready = list(self.waiting)
        for writer in ready:
            writer.doWrite()
        return bool(ready)


class Line:
    """A wire, its reactor, and the client's end of its socket."""

    def __init__(self, read_ahead: ReadAhead) -> None:
        ours, self.client = socket.socketpair()
        ours.setblocking(False)
        self.client.setblocking(False)
        self.ours = ours
        self.reactor = Writers()
        self.failures = 0
        self.wire = SocketWire(
            connection=ours,
            reactor=self.reactor,
            read_ahead=read_ahead,
            failed=self._failed,
        )

    def _failed(self) -> None:
        self.failures += 1

    def read(self, size: int = 1 << 30) -> bytes:
        """What the client can read without waiting, up to ``size`` bytes."""
        parts = []
        while size:
            try:
                part = self.client.recv(min(size, 65536))
            except BlockingIOError:
                break
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def read_all(self) -> bytes:
        """All that comes as long as the wire has something to send."""
        parts = [self.read()]
        while self.reactor.turn():
            parts.append(self.read())
        return b"".join(parts)

    def close(self) -> None:
        self.wire.disconnected()
        self.reactor.advance(0)
        self.ours.close()
        self.client.close()


def never(descriptor: int, offset: int, length: int) -> Deferred[None]:
    raise AssertionError((descriptor, offset, length))


@pytest.fixture
def line() -> Iterator[Line]:
    with calm():
        line = Line(lambda *_: succeed(None))
        yield line
        line.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(4 * MIB))
    return path


def test_a_short_answer_goes_at_once(line: Line) -> None:
    assert line.wire.write([b"one ", b"", b"two"]) is None
    assert not line.reactor.waiting
    assert not line.wire.is_sending
    assert line.read() == b"one two"


def test_a_long_answer_goes_as_the_client_reads(line: Line) -> None:
    data = os.urandom(3 * MIB)
    waiting = line.wire.write([b"head", data, b"tail"])
    assert waiting is not None
    assert line.wire.is_sending
    assert line.read_all() == b"head" + data + b"tail"
    assert waiting.called
    assert not line.wire.is_sending
    assert not line.reactor.waiting


def test_what_the_client_has_taken_is_counted_not_what_the_kernel_has(
    line: Line,
) -> None:
    """Within what the kernel itself adds to what waits in a Unix socket."""
    line.wire.write([b"x" * 3 * MIB])
    line.reactor.turn()
    before = line.wire.taken
    assert before < 64 * 1024
    read = len(line.read(500_000))
    assert read / 2 < line.wire.taken - before < read + 64 * 1024
    line.read_all()
    assert line.wire.taken == 3 * MIB


def test_files_and_bytes_go_in_order(line: Line, file: Path) -> None:
    content, whole = File(file), file.read_bytes()
    line.wire.write(
        [b"a", Piece(content, 5, 10), b"b", Piece(content, MIB, 2 * MIB), b"c"]
    )
    sent = line.read_all()
    assert sent == b"a" + whole[5:15] + b"b" + whole[MIB : 3 * MIB] + b"c"
    content.close()


def test_cold_pages_are_asked_for_step_by_step_and_sent(file: Path) -> None:
    """Even where they never become warm, each step is asked for once, then sent."""
    asked: list[tuple[int, int]] = []

    def read_ahead(descriptor: int, offset: int, length: int) -> Deferred[None]:
        del descriptor
        asked.append((offset, length))
        return succeed(None)

    whole = file.read_bytes()
    content = File(file)
    line = Line(read_ahead)
    evict(content)
    os.posix_fadvise(content.fileno() or 0, 0, 0, os.POSIX_FADV_RANDOM)
    waiting = line.wire.write([Piece(content, 0, content.size)])
    assert waiting is not None
    sent = line.read()
    while line.reactor.turn():
        evict(content)
        sent += line.read()
    assert sent == whole
    assert waiting.called
    assert asked[0] == (0, STEP)
    offsets = [offset for offset, _ in asked]
    assert offsets == sorted(set(offsets))
    line.close()
    content.close()


def evict(content: File) -> None:
    os.fsync(content.fileno() or 0)
    os.posix_fadvise(content.fileno() or 0, 0, 0, os.POSIX_FADV_DONTNEED)


def test_pages_that_are_in_memory_are_not_asked_for(file: Path) -> None:
    whole = file.read_bytes()
    content = File(file)
    line = Line(never)
    line.wire.write([Piece(content, 0, content.size)])
    assert line.read_all() == whole
    line.close()
    content.close()


def test_a_file_that_becomes_shorter_breaks_the_connection(
    line: Line, file: Path
) -> None:
    content = File(file)
    waiting = line.wire.write([b"head", Piece(content, 0, content.size)])
    assert waiting is not None
    os.truncate(file, 2 * MIB)
    line.read_all()
    assert line.failures == 1
    waiting.addErrback(lambda reason: reason.trap(ConnectionLost))
    content.close()


def test_a_client_that_leaves_breaks_the_connection(line: Line) -> None:
    waiting = line.wire.write([b"x" * 3 * MIB])
    assert waiting is not None
    line.client.close()
    line.reactor.turn()
    assert line.failures == 1
    assert not line.reactor.waiting
    lost: list[Failure] = []
    waiting.addErrback(lost.append)
    assert lost[0].check(ConnectionLost)


def test_nothing_can_be_written_once_it_is_lost(line: Line) -> None:
    line.wire.disconnected()
    lost: list[Failure] = []
    for segments in ([b"more"], [Piece(HeldContent(b"abc"), 0, 3)]):
        waiting = line.wire.write(segments)
        assert waiting is not None
        waiting.addErrback(lost.append)
    assert [bool(one.check(ConnectionLost)) for one in lost] == [True, True]
    assert line.failures == 0


def test_the_descriptor_that_the_reactor_knows_is_let_go(line: Line) -> None:
    waiting = line.wire.write([b"x" * 3 * MIB])
    assert waiting is not None
    descriptor = line.wire.fileno()
    line.wire.disconnected()
    os.fstat(descriptor)  # the number stays taken for the rest of the reactor's turn
    line.reactor.advance(0)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    assert not line.reactor.waiting
    waiting.addErrback(lambda reason: reason.trap(ConnectionLost))


def test_content_without_a_descriptor_is_read_as_the_client_reads(line: Line) -> None:
    data = os.urandom(3 * MIB)
    content = Counted(data)
    waiting = line.wire.write([b"head", Piece(content, 0, len(data)), b"tail"])
    assert waiting is not None
    assert len(content.reads) <= 2
    assert all(length <= READ_SIZE for _, length in content.reads)
    assert line.read_all() == b"head" + data + b"tail"
    assert waiting.called
