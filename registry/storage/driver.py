"""The seam between what a registry is and where its bytes rest.

A driver keeps files by path below one root. Paths are ``/``-joined components of
``[A-Za-z0-9._-]+`` as ``layout.py`` makes them, never text from a client. Content is
immutable once it stands under its final path; only upload data grows.

Durability is the driver's promise: when ``apply`` returns, what it did survives a power
cut, and a cut in the middle leaves a prefix of the changes, never a later one without
an earlier one. That is what makes "bytes before links" a matter of list order.

Read next: ``filesystem.py`` (the real one), ``memory.py`` (the same in RAM).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import attrs

from registry.core.digest import Hasher


class Absent(Exception):
    """Nothing is at this path. Raised for proven absence only, never for trouble."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class StorageFailure(Exception):
    """The storage did not answer or refused; it says nothing about what exists."""


class StorageFull(StorageFailure):
    """No room, no inodes or no quota left (ENOSPC, EDQUOT)."""


class BytesDoubted(StorageFailure):
    """A growing file may have lost bytes, for a sync of it has failed; remove it."""


@attrs.frozen(kw_only=True)
class Space:
    """What there is room for below a root: ``free`` of ``size`` bytes, and of files.

    Free is what the registry's user may use. ``block`` bytes are taken by the smallest
    file or directory. Where files are not limited, ``free_files`` and ``files`` are
    None.
    """

    free: int
    size: int
    block: int = 4096
    free_files: int | None = None
    files: int | None = None


class StorageGone(StorageFailure):
    """The root is not the one that was opened: unmounted, moved away or exchanged."""


@attrs.frozen
class Put:
    """Make ``path`` hold ``content``, replacing atomically what was there.

    What is replaced also stands at ``keep`` from then on, as with ``Move``.
    """

    path: str
    content: bytes
    keep: str | None = None

    @property
    def target(self) -> str:
        """Where the content comes to stand."""
        return self.path


@attrs.frozen
class Move:
    """Make the file at ``source`` stand at ``target``, replacing what was there.

    The file's bytes are made durable first. What is replaced also stands at ``keep``
    from then on, if that is given, unless something stands there already, or the file
    system gives no second name to a file. Raises Absent if there is no source.
    """

    source: str
    target: str
    keep: str | None = None


@attrs.frozen
class Remove:
    """Make ``path``, a file or a whole tree, not exist; its absence is success."""

    path: str


@attrs.frozen
class Create:
    """Make a file of ``content`` that grows by ``Append`` or ``append_to``.

    Its name is durable once a later change in the same directory is, its bytes once it
    is flushed or moved. Raises StorageFailure if something is there.
    """

    path: str
    content: bytes = b""


@attrs.frozen
class Append:
    """Write ``chunks`` at the end of a growing file that holds ``offset`` bytes.

    They are durable once a ``Move`` of the file is. Raises Absent if there is no such
    file, and StorageFailure if it does not hold ``offset`` bytes.
    """

    path: str
    offset: int
    chunks: tuple[bytes, ...]

    @property
    def length(self) -> int:
        """Bytes in all chunks."""
        return sum(map(len, self.chunks))


@attrs.frozen
class Discard:
    """Remove ``path`` like ``Remove``, but a power cut may bring it back.

    For leftovers that mean nothing to anybody.
    """

    path: str


Pace = Callable[[int], Awaitable[None]]
"""Waits as long as so many bytes may take."""

Change = Put | Move | Remove | Create | Append | Discard


class Content(Protocol):
    """An open, immutable file. Closing it is its holder's duty."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def fileno(self) -> int | None:
        """A descriptor that ``sendfile`` can read, or None where there is none."""

    @property
    def held(self) -> bytes | None:
        """The whole of it, when it is in memory anyway."""

    async def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``; raises StorageFailure if short."""

    def close(self) -> None:
        """Release it. Safe to call more than once."""


class Appender(Protocol):
    """The open end of a growing file, fed in worker threads.

    One append at a time; the caller awaits each before the next.
    """

    @property
    def size(self) -> int:
        """Bytes that the file holds."""

    async def append(self, chunks: Sequence[bytes], hashers: Sequence[Hasher]) -> int:
        """Write ``chunks`` at the end and feed them to ``hashers``, in one worker turn.

        Returns the new size. Raises StorageFailure; the file then still holds a prefix
        of what was sent, and ``size`` is the truth about it.
        """

    async def close(self, *, flush: bool) -> None:
        """Release it. With ``flush`` the bytes survive a power cut afterwards.

        Without it they are safe once a ``Move`` of the file has been applied. Raises
        Absent if the file was removed meanwhile.
        """


class Driver(Protocol):
    """Where a registry keeps its files. All methods may raise StorageFailure."""

    async def read(self, path: str) -> bytes:
        """The whole of a small file (link or manifest). Raises Absent."""

    async def read_many(self, paths: Sequence[str]) -> list[bytes | None]:
        """Several small files in one worker turn; None where nothing is."""

    async def sizes(self, paths: Sequence[str]) -> list[int | None]:
        """Lengths of several files in one worker turn; None where nothing is."""

    async def written(self, paths: Sequence[str]) -> list[int | None]:
        """When several files were last written; None where nothing is.

        Numbers that grow with time: nanoseconds, where there is a clock.
        """

    async def names(self, path: str) -> list[str]:
        """Sorted names of a directory's children. Raises Absent.

        Distribution's ``*.tmp`` leftovers are left out.
        """

    async def open(self, path: str) -> Content:
        """An immutable file, to be read in parts. Raises Absent."""

    async def append_to(self, path: str, *, after: Sequence[Change] = ()) -> Appender:
        """The end of an existing file. Raises Absent.

        It may be one that ``after`` makes in the same worker turn.
        """

    async def digest_of(
        self, path: str, hashers: Sequence[Hasher], pace: Pace | None = None
    ) -> int:
        """Feed a whole file to ``hashers`` in workers; its size. Raises Absent.

        ``pace`` is awaited between parts, with the number of bytes just read.
        """

    async def apply(self, changes: Sequence[Change]) -> None:
        """Carry out ``changes`` in order, each durable before the next begins.

        Lists that are applied at the same time may share their syncs. What an earlier
        failure left in doubt is durable too when this returns, also of an empty list:
        whoever answers with what is there already applies that first.
        """

    async def settle(self) -> None:
        """Make durable what an earlier failure, or the run before, left in doubt.

        For whoever answers by what is there already: a power cut must not undo it.
        ``apply`` does it too.
        """

    async def probe(self) -> None:
        """Prove that the root answers, for health checks. Raises StorageFailure."""

    async def space(self) -> Space | None:
        """What there is room for; None where there is no bound to be known."""

    async def close(self) -> None:
        """Let go of the root and of every descriptor still held."""
