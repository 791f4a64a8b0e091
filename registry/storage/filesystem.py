"""The driver for a directory tree on a local disk, as Distribution lays it out.

Every method is one worker turn, so that the reactor never waits; only ``digest_of``
takes several, so that one big file does not keep a worker to itself. Reads hold no
lock: final files are never written to, only replaced by a rename.

Read next: ``changes.py`` (what survives a power cut), ``disk.py`` (the system calls).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Concatenate, ParamSpec, TypeVar
from weakref import WeakSet

from registry.core.digest import Hasher
from registry.storage.appender import FileAppender
from registry.storage.changes import Changes
from registry.storage.commit import Commit
from registry.storage.content import FileContent
from registry.storage.directories import Directories
from registry.storage.disk import Disk
from registry.storage.driver import (
    Absent,
    Appender,
    Change,
    Content,
    Pace,
    Remove,
    Space,
    StorageFailure,
)
from registry.storage.guard import RootGuard
from registry.storage.keeping import Keeping
from registry.storage.openfile import OpenFile
from registry.storage.openfiles import OpenFiles
from registry.storage.path import checked, checked_changes, is_listed
from registry.storage.together import MOST, Together
from registry.storage.whole_sync import NO_WHOLE_SYNC, WholeSync
from registry.storage.workers import Workers

P = ParamSpec("P")
T = TypeVar("T")

PIECE = 1024 * 1024
"""Bytes that ``digest_of`` reads at a time."""

KEPT = 128
"""Files that stay open for the next reader."""

TURN = 32 * PIECE
"""Bytes that ``digest_of`` reads in one worker turn."""


class FilesystemDriver:
    """A driver that keeps its files below the directory ``root``.

    With a ``guard``, nothing is written unless the root is the one that was opened, and
    nothing is called absent either; without, the root is made on first use. ``whole``
    syncs all of it at once. Unless it ``shares_syncs``, every list of changes goes
    alone. Files are 0666 and directories 0777 before the umask.
    """

    def __init__(
        self,
        *,
        disk: Disk,
        workers: Workers,
        root: str,
        guard: RootGuard | None = None,
        whole: WholeSync = NO_WHOLE_SYNC,
        shares_syncs: bool = True,
    ) -> None:
        self._disk = disk
        self._workers = workers
        self._root = os.path.abspath(root)
        self._guard: Callable[[], None] = guard or _unguarded
        directories = Directories(disk=disk, root=self._root, makes_root=guard is None)
        self._changes = Changes(disk=disk, root=self._root, directories=directories)
        keeping = Keeping(
            disk=disk,
            root=self._root,
            directories=directories,
            commit=Commit(
                disk=disk,
                root=self._root,
                changes=self._changes,
                directories=directories,
                whole=whole,
            ),
        )
        self._together = Together(
            workers=workers,
            carry_out=self._guarded(keeping.carry_out),
            most=MOST if shares_syncs else 1,
        )
        self._whole = whole
        self._growing: WeakSet[OpenFile] = WeakSet()
        self._contents: WeakSet[FileContent] = WeakSet()
        self._kept = OpenFiles(limit=KEPT)

    async def read(self, path: str) -> bytes:
        """The whole of a small file. Raises Absent."""
        return await self._at(path, self._read)

    async def read_many(self, paths: Sequence[str]) -> list[bytes | None]:
        """Several small files in one worker turn; None where nothing is."""
        return await self._at_each(paths, self._read)

    async def sizes(self, paths: Sequence[str]) -> list[int | None]:
        """Lengths of several files in one worker turn; None where nothing is."""
        return await self._at_each(paths, self._disk.size)

    async def written(self, paths: Sequence[str]) -> list[int | None]:
        """When several files were last written, in nanoseconds; None where nothing is.

        As precise as the clock of the file system is.
        """
        return await self._at_each(paths, self._written)

    async def names(self, path: str) -> list[str]:
        """Sorted names of a directory's children. Raises Absent."""
        return await self._at(path, self._names)

    async def open(self, path: str) -> Content:
        """An immutable file, to be read in parts. Raises Absent."""
        file = self._kept.find(path)
        if file is not None:
            return self._content(file)
        generation = self._kept.generation
        file = await self._at(path, self._opened, self._disk.open)
        content = self._content(file)
        self._kept.add(path, file, generation=generation)
        return content

    async def append_to(self, path: str, *, after: Sequence[Change] = ()) -> Appender:
        """The end of an existing file, or of one that ``after`` makes; or Absent."""
        file = await self._at(path, self._opened_after, checked_changes(after))
        self._growing.add(file)
        flush = self._guarded(self._changes.flush)
        return FileAppender(file=file, flush=flush, workers=self._workers)

    async def digest_of(
        self, path: str, hashers: Sequence[Hasher], pace: Pace | None = None
    ) -> int:
        """Feed a whole file to ``hashers`` in workers; its size. Raises Absent.

        ``pace`` is awaited after every ``TURN`` bytes.
        """
        size = 0
        file = await self._at(path, self._opened, self._disk.open)
        with closing(file):
            while True:
                feeding = file.borrowed(_feed)
                fed = await self._workers.run(feeding, file, size, hashers)
                size += fed
                if pace is not None:
                    await pace(fed)
                if fed < TURN:
                    return size

    async def apply(self, changes: Sequence[Change]) -> None:
        """Carry out ``changes`` in order, each durable before the next begins.

        Lists go together, if syncs are shared, except those that remove: a big tree
        would hold up the rest.
        """
        known = checked_changes(changes)
        try:
            if any(isinstance(change, Remove) for change in known):
                apply = self._guarded(self._changes.carry_out)
                await self._workers.run(apply, known)
            else:
                await self._together.apply(known)
        finally:
            self._kept.changed(changes)

    async def settle(self) -> None:
        """Make durable what an earlier failure, or the run before, left in doubt."""
        await self.apply([])

    async def probe(self) -> None:
        """Prove that the root answers, for health checks. Raises StorageFailure."""
        await self._of_root(self._disk.entries)

    async def space(self) -> Space:
        """What the file system of the root has room for."""
        return await self._of_root(self._disk.space)

    async def _of_root(self, work: Callable[[str], T]) -> T:
        try:
            return await self._workers.run(self._guarded(work), self._root)
        except Absent:
            raise StorageFailure(
                f"the storage root {self._root} is missing; create it or mount it"
            ) from None

    async def close(self) -> None:
        """Close every file that is still open, after the worker that uses it."""
        self._whole.close()
        self._kept.close()
        for content in list(self._contents):
            content.close()
        for file in list(self._growing):
            file.close()

    async def _at(
        self,
        path: str,
        work: Callable[Concatenate[str, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The result of ``work`` on the absolute path; Absent names the driver's."""
        try:
            return await self._workers.run(
                self._certain(work), self._absolute(path), *args, **kwargs
            )
        except Absent:
            raise Absent(path) from None

    async def _at_each(
        self, paths: Sequence[str], work: Callable[[str], T]
    ) -> list[T | None]:
        absolute = [self._absolute(path) for path in paths]
        return await self._workers.run(self._where_present, absolute, work)

    def _where_present(
        self, paths: Sequence[str], work: Callable[[str], T]
    ) -> list[T | None]:
        found: list[T | None] = []
        for path in paths:
            try:
                found.append(work(path))
            except Absent:
                found.append(None)
        self._guard()
        return found

    def _certain(self, work: Callable[P, T]) -> Callable[P, T]:
        """``work`` that looks, and finds nothing and no absence in another root."""

        def working(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return work(*args, **kwargs)
            finally:
                self._guard()

        return working

    def _guarded(self, work: Callable[P, T]) -> Callable[P, T]:
        """``work`` that writes: only into the root that was opened."""
        certain = self._certain(work)

        def working(*args: P.args, **kwargs: P.kwargs) -> T:
            self._guard()
            return certain(*args, **kwargs)

        return working

    def _absolute(self, path: str) -> str:
        return f"{self._root}/{checked(path)}"

    def _content(self, file: OpenFile) -> FileContent:
        content = FileContent(file=file, workers=self._workers)
        self._contents.add(content)
        return content

    def _read(self, path: str) -> bytes:
        with closing(self._opened(path, self._disk.open)) as file:
            return file.read(0, file.size)

    def _written(self, path: str) -> int:
        return self._disk.call("stat", path, os.stat, path).st_mtime_ns

    def _names(self, path: str) -> list[str]:
        return sorted(
            entry.name
            for entry in self._disk.entries(path)
            if is_listed(entry.name, is_directory=entry.is_directory)
        )

    def _opened_after(self, path: str, first: Sequence[Change]) -> OpenFile:
        if first:
            self._guarded(self._changes.apply)(first)
        return self._opened(path, self._disk.open_to_append)

    def _opened(self, path: str, way: Callable[[str], tuple[int, int]]) -> OpenFile:
        return OpenFile(disk=self._disk, path=path, opened=way(path))


def _unguarded() -> None:
    """Any root will do."""


def _feed(file: OpenFile, start: int, hashers: Sequence[Hasher]) -> int:
    """Feed one turn's bytes from ``start``; fewer than a turn's at the end."""
    fed = 0
    while fed < TURN:
        piece = file.read_some(start + fed, PIECE)
        if not piece:
            break
        for hasher in hashers:
            hasher.update(piece)
        fed += len(piece)
    return fed
