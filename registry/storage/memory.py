"""The driver that keeps everything in memory, for ``storage: inmemory`` and for tests.

It answers exactly as the filesystem driver does, empty directories included, and
forgets everything when the process ends. No threads: nothing here waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from registry.core.digest import Hasher
from registry.storage.driver import (
    Absent,
    Append,
    Appender,
    Change,
    Content,
    Create,
    Discard,
    Move,
    Pace,
    Put,
    Remove,
    StorageFailure,
)
from registry.storage.held import HeldContent
from registry.storage.path import checked, checked_changes, is_listed

File = bytes | bytearray
"""Final content, or content that grows; only the first is ever handed out."""

Directory = dict[str, "File | Directory"]


class Final(bytes):
    """Final content, and when it was written: a number that grows with every write."""

    written = 0


class MemoryAppender:
    """The growing end of a file in memory; ``still_there`` raises Absent if it went."""

    def __init__(self, file: bytearray, still_there: Callable[[], None]) -> None:
        self._file = file
        self._still_there = still_there

    @property
    def size(self) -> int:
        """Bytes that the file holds."""
        return len(self._file)

    async def append(self, chunks: Sequence[bytes], hashers: Sequence[Hasher]) -> int:
        """Copy ``chunks`` to the end and hash them; the new size."""
        for chunk in chunks:
            self._file += chunk
            for hasher in hashers:
                hasher.update(chunk)
        return len(self._file)

    async def close(self, *, flush: bool) -> None:
        """Nothing to release, and a power cut takes all. Raises Absent if flushed."""
        if flush:
            self._still_there()


class MemoryDriver:
    """A driver whose root is a dictionary of its own."""

    def __init__(self) -> None:
        self._root: Directory = {}
        self._writes = 0

    async def read(self, path: str) -> bytes:
        """The whole of a file. Raises Absent."""
        return bytes(self._file(path))

    async def read_many(self, paths: Sequence[str]) -> list[bytes | None]:
        """Several files; None where nothing is."""
        found = [self._present(path) for path in paths]
        return [None if file is None else bytes(file) for file in found]

    async def sizes(self, paths: Sequence[str]) -> list[int | None]:
        """Lengths of several files; None where nothing is."""
        found = [self._present(path) for path in paths]
        return [None if file is None else len(file) for file in found]

    async def written(self, paths: Sequence[str]) -> list[int | None]:
        """When several files were last written; None where nothing is."""
        found = [self._present(path) for path in paths]
        return [None if file is None else getattr(file, "written", 0) for file in found]

    async def names(self, path: str) -> list[str]:
        """Sorted names of a directory's children. Raises Absent."""
        node = self._node(path)
        if not isinstance(node, dict):
            raise Absent(path)
        return sorted(
            name
            for name, child in node.items()
            if is_listed(name, is_directory=isinstance(child, dict))
        )

    async def open(self, path: str) -> Content:
        """A file, to be read in parts. Raises Absent."""
        return HeldContent(bytes(self._file(path)))

    async def append_to(self, path: str, *, after: Sequence[Change] = ()) -> Appender:
        """The end of an existing file, or of one that ``after`` makes; or Absent."""
        self._carry_out(after)
        file = self._growing(path)

        def still_there() -> None:
            if self._present(path) is not file:
                raise Absent(path)

        return MemoryAppender(file, still_there)

    async def digest_of(
        self, path: str, hashers: Sequence[Hasher], pace: Pace | None = None
    ) -> int:
        """Feed a whole file to ``hashers``; its size. Raises Absent."""
        content = bytes(self._file(path))
        for hasher in hashers:
            hasher.update(content)
        if pace is not None:
            await pace(len(content))
        return len(content)

    async def apply(self, changes: Sequence[Change]) -> None:
        """Carry out ``changes`` in order."""
        self._carry_out(changes)

    async def settle(self) -> None:
        """Nothing is ever in doubt."""

    async def probe(self) -> None:
        """Memory always answers."""

    async def space(self) -> None:
        """Memory has no bound that it knows of."""

    async def close(self) -> None:
        """Forget everything."""
        self._root = {}

    def _carry_out(self, changes: Sequence[Change]) -> None:
        for change in checked_changes(changes):
            match change:
                case Put():
                    self._keep(change)
                    self._replace(change.path, change.content)
                case Move():
                    self._keep(change)
                    self._replace(change.target, bytes(self._file(change.source)))
                    if change.source != change.target:
                        self._discard(change.source)
                case Remove() | Discard():
                    self._discard(change.path)
                case Create():
                    self._create(change)
                case Append():
                    self._append(change)

    def _node(self, path: str) -> File | Directory:
        node: File | Directory = self._root
        for name in checked(path).split("/"):
            if not isinstance(node, dict) or name not in node:
                raise Absent(path)
            node = node[name]
        return node

    def _file(self, path: str) -> File:
        node = self._node(path)
        if isinstance(node, dict):
            raise StorageFailure(f"{path} is a directory where a file belongs")
        return node

    def _present(self, path: str) -> File | None:
        try:
            return self._file(path)
        except Absent:
            return None

    def _make_parent(self, path: str) -> tuple[Directory, str]:
        """The directory that ``path`` is in, made if need be, and its name there."""
        *above, name = checked(path).split("/")
        directory = self._root
        for component in above:
            child = directory.setdefault(component, {})
            if not isinstance(child, dict):
                raise StorageFailure(f"a file is above {path}; remove it first")
            directory = child
        return directory, name

    def _growing(self, path: str) -> bytearray:
        file = self._file(path)
        if isinstance(file, bytes):
            file = bytearray(file)
            directory, name = self._make_parent(path)
            directory[name] = file
        return file

    def _create(self, change: Create) -> None:
        directory, name = self._make_parent(change.path)
        if name in directory:
            raise StorageFailure(f"{change.path} is there already; remove it first")
        directory[name] = bytearray(change.content)

    def _append(self, change: Append) -> None:
        file = self._growing(change.path)
        if len(file) != change.offset:
            raise StorageFailure(
                f"{change.path} holds {len(file)} bytes, not {change.offset}; ask for"
                " its size and append there"
            )
        for chunk in change.chunks:
            file += chunk

    def _keep(self, change: Put | Move) -> None:
        """Give a second name to what ``change`` is about to replace."""
        replaced = self._present(change.target)
        if change.keep is None or replaced is None:
            return
        if isinstance(change, Move) and not self._replaces(change):
            return
        directory, name = self._make_parent(change.keep)
        directory.setdefault(name, replaced)

    def _replaces(self, change: Move) -> bool:
        if change.source == change.target:
            return False
        return self._present(change.source) is not None

    def _replace(self, path: str, content: bytes) -> None:
        directory, name = self._make_parent(path)
        if isinstance(directory.get(name), dict):
            raise StorageFailure(f"{path} is a directory; remove it first")
        self._writes += 1
        final = directory[name] = Final(content)
        final.written = self._writes

    def _discard(self, path: str) -> None:
        above, _, name = path.rpartition("/")
        try:
            directory = self._node(above) if above else self._root
        except Absent:
            return
        if isinstance(directory, dict):
            directory.pop(name, None)
