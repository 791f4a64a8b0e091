"""Changes to the tree that survive a power cut, one list at a time.

Each change has three steps: bytes are made durable where nobody looks (``_stage``), one
atomic system call gives or takes a name (a rename or an unlink), and the name is made
durable (``_settle``). A cut between any two system calls leaves the tree as it was
before the change or as it is after, and perhaps a ``*.tmp`` file that every reader
ignores. Only the removal of a tree takes many such calls: leaves first, by name.

This is the careful way, which also copes with directories that vanish between two
system calls. Read next: ``commit.py``, which does the same for many lists at once.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from uuid import uuid4

from registry.storage.directories import Directories
from registry.storage.disk import Disk
from registry.storage.driver import (
    Absent,
    Append,
    BytesDoubted,
    Change,
    Create,
    Discard,
    Move,
    Put,
    Remove,
    StorageFailure,
)
from registry.storage.openfile import OpenFile

ATTEMPTS = 8
"""How often a step is tried again when somebody else changes the same directories."""


class Changes:
    """Carries out changes below ``root``; all methods block."""

    def __init__(self, *, disk: Disk, root: str, directories: Directories) -> None:
        self._disk = disk
        self._root = root
        self._directories = directories
        self._distrusted: set[str] = set()

    def carry_out(self, changes: Sequence[Change]) -> None:
        """The same, once all is durable that an earlier failure left in doubt."""
        self._directories.pay()
        self.apply(changes)

    def apply(self, changes: Sequence[Change]) -> None:
        """Carry out ``changes``, each durable before the next begins."""
        for change in changes:
            match change:
                case Put():
                    self._put(self._absolute(change.path), change.content)
                case Move():
                    self._move(change)
                case Remove():
                    self._remove(self._absolute(change.path))
                case Create():
                    self._create(self._absolute(change.path), change.content)
                case Append():
                    self.append(change)
                case Discard():
                    self.discard(self._absolute(change.path))

    def append(self, change: Append) -> None:
        """Write at the end of a growing file, once: a second time changes nothing."""
        path = self._absolute(change.path)
        try:
            opened = self._disk.open_to_append(path)
        except Absent:
            raise Absent(change.path) from None
        with closing(OpenFile(disk=self._disk, path=path, opened=opened)) as file:
            if file.size == change.offset + change.length:
                return
            if file.size != change.offset:
                raise StorageFailure(
                    f"{path} holds {file.size} bytes, not {change.offset}; ask for its"
                    " size and append there"
                )
            for chunk in change.chunks:
                file.write_whole(chunk)

    def discard(self, target: str) -> None:
        """Remove a leftover; a power cut may bring it back."""
        with suppress(Absent):
            self._unlink_all(target, [])

    def stage(self, temporary: str, content: bytes) -> OpenFile:
        """A new file with ``content``, not yet synced."""
        file = self._new_file(temporary)
        try:
            file.write_whole(content)
        except StorageFailure:
            file.close()
            self._discard(temporary)
            raise
        return file

    def source(self, path: str) -> OpenFile:
        """The file at ``path``, to be synced before it gets its final name."""
        opened = self._disk.open_to_append(path)
        return OpenFile(disk=self._disk, path=path, opened=opened)

    def _create(self, target: str, content: bytes) -> None:
        def make() -> None:
            self._directories.make(os.path.dirname(target))
            self.stage(target, content).close()

        self._persist(target, make)

    def flush(self, file: OpenFile) -> None:
        """Make a growing file survive a power cut, with all names above it.

        Raises Absent if it was removed meanwhile.
        """
        self.sync(file)
        self._settle(file.path)

    def _put(self, target: str, content: bytes) -> None:
        def replace() -> None:
            self._directories.settle(os.path.dirname(target))
            temporary = f"{target}.{uuid4()}.tmp"
            try:
                self._stage(temporary, content)
                self._disk.rename(temporary, target)
            except (Absent, StorageFailure):
                self._discard(temporary)
                raise
            self._settle(target)

        self._persist(target, replace)

    def _move(self, change: Move) -> None:
        source, target = self._absolute(change.source), self._absolute(change.target)
        try:
            self._stage_source(source)
        except Absent:
            raise Absent(change.source) from None

        def replace() -> None:
            self._directories.settle(os.path.dirname(target))
            self._disk.rename(source, target)
            self._settle(target)

        self._persist(target, replace)

    def _remove(self, target: str) -> None:
        touched: list[str] = []
        try:
            with suppress(Absent):
                self._unlink_all(target, touched)
            # also when it was absent: an earlier removal may have failed to sync
            with suppress(Absent):
                self._directories.sync(os.path.dirname(target))
        except StorageFailure:
            self._directories.owe(touched)
            raise

    def _stage(self, temporary: str, content: bytes) -> None:
        with closing(self.stage(temporary, content)) as file:
            file.fsync()

    def _stage_source(self, source: str) -> None:
        with closing(self.source(source)) as file:
            self.sync(file)

    def sync(self, file: OpenFile) -> None:
        """Sync a growing file, but never one whose sync has failed before.

        The kernel reports a lost page once and then takes it for written. A second try
        would succeed and prove nothing.
        """
        self.check_trusted(file)
        try:
            file.fsync()
        except StorageFailure:
            self.distrust(file)
            raise

    def check_trusted(self, file: OpenFile) -> None:
        """Raises StorageFailure if a sync of ``file`` has failed before."""
        if file.path in self._distrusted:
            raise BytesDoubted(
                f"{file.path} could not be synced before, so a part of it may be lost;"
                " remove it and send it again"
            )

    def distrust(self, file: OpenFile) -> None:
        """Say that a sync of ``file`` has failed."""
        self._distrusted.add(file.path)

    def _settle(self, target: str) -> None:
        """Make the name of a file durable, and those of the directories above it.

        Raises Absent, rather than make it, if the file's directory is gone.
        """
        directory = os.path.dirname(target)
        self._directories.sync(directory)
        self._directories.settle(directory)

    def _unlink_all(self, target: str, touched: list[str]) -> None:
        """Remove a file, or a tree from the leaves up, in the order of names.

        ``touched`` gets the directories in which names are removed.
        """
        if not self._disk.is_directory(target):
            touched.append(os.path.dirname(target))
            self._disk.unlink(target)
            self._distrusted.discard(target)
            return
        self._directories.forget(target)
        for _ in range(ATTEMPTS):
            for entry in sorted(self._disk.entries(target), key=lambda e: e.name):
                with suppress(Absent):
                    self._unlink_all(os.path.join(target, entry.name), touched)
            touched.append(os.path.dirname(target))
            if self._disk.rmdir(target):
                return
        raise StorageFailure(
            f"cannot remove {target}: files appear in it; stop what else writes there"
        )

    def _persist(self, target: str, step: Callable[[], None]) -> None:
        """Do ``step``, again when a directory vanishes between two system calls."""
        for _ in range(ATTEMPTS):
            try:
                step()
            except Absent:
                self._directories.forget_all()
            except StorageFailure:
                self._directories.owe([os.path.dirname(target)])
                raise
            else:
                return
        raise StorageFailure(
            f"cannot write {target}: a directory above it vanishes or is none; look at"
            " the path and stop what else writes there"
        )

    def _discard(self, temporary: str) -> None:
        with suppress(Absent, StorageFailure):
            self._disk.unlink(temporary)

    def _new_file(self, path: str) -> OpenFile:
        opened = self._disk.create(path)
        return OpenFile(disk=self._disk, path=path, opened=opened)

    def _absolute(self, path: str) -> str:
        return f"{self._root}/{path}"
