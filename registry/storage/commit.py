"""Many lists of changes carried out together, so that they share their syncs.

A sync costs about as much for ten files as for one, because the file system writes its
journal once for all of them; and the whole file system at once costs less than many
files (``whole_sync.py``). So lists that arrive while others are being synced wait
and go together. In rounds, the first changes of all lists are named, then every
directory that this touched is synced once, then the second changes follow. What a list
may rely on stays the same: each of its changes is durable before its next one begins.

A Create, whose name need not last by itself, joins the round of the change before it.

Whatever is out of the ordinary (a directory that vanished, a file that is not there)
is left to ``changes.py``: the list goes on there, alone, from the change that met it.
Lists do not fail for each other's sake.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from uuid import uuid4

import attrs

from registry.storage.changes import Changes
from registry.storage.directories import Directories
from registry.storage.disk import Disk
from registry.storage.driver import (
    Absent,
    Append,
    Change,
    Create,
    Discard,
    Move,
    Put,
    Remove,
    StorageFailure,
)
from registry.storage.openfile import OpenFile
from registry.storage.whole_sync import WholeSync


@attrs.define
class Going:
    """A list on its way: ``position`` is the number of changes that are done."""

    changes: Sequence[Change]
    position: int = 0
    staged: dict[int, OpenFile] = attrs.Factory(dict)
    """Files that wait for their sync and their name, by the position of the change."""

    named: int = 0
    """Changes that this round has named and not yet made durable."""

    touched: str | None = None
    """The directory in which this round's change gave or took a name."""

    is_odd: bool = False
    failure: Exception | None = None

    @property
    def is_going(self) -> bool:
        """Whether it takes part in the next round."""
        return (
            not self.is_odd
            and self.failure is None
            and self.position < len(self.changes)
        )

    @property
    def next_change(self) -> Change | None:
        """What comes after what this round has named."""
        position = self.position + self.named
        return self.changes[position] if position < len(self.changes) else None


class Commit:
    """Carries out lists of changes below ``root``; blocks, one call at a time."""

    def __init__(
        self,
        *,
        disk: Disk,
        root: str,
        changes: Changes,
        directories: Directories,
        whole: WholeSync,
    ) -> None:
        self._disk = disk
        self._root = root
        self._changes = changes
        self._directories = directories
        self._whole = whole

    def carry_out(self, lists: Sequence[Sequence[Change]]) -> list[Exception | None]:
        """Carry out every list; what went wrong with each, None if nothing did."""
        try:
            self._directories.pay()
        except StorageFailure as failure:
            return [failure] * len(lists)
        everyone = [Going(changes) for changes in lists]
        try:
            for one in everyone:
                self._try(one, self._stage)
            self._sync_bytes(everyone)
            while going := [one for one in everyone if one.is_going]:
                for one in going:
                    self._try(one, self._name)
                self._settle([one for one in going if one.is_going])
        finally:
            for one in everyone:
                self._leave(one)
        for one in everyone:
            if one.is_odd:
                self._go_alone(one)
        return [one.failure for one in everyone]

    def _try(self, one: Going, step: Callable[[Going], None]) -> None:
        if not one.is_going:
            return
        try:
            step(one)
        except Absent:
            one.is_odd = True
        except StorageFailure as failure:
            one.failure = failure
            if one.touched is not None:
                self._directories.owe([one.touched])

    def _stage(self, one: Going) -> None:
        for position, change in enumerate(one.changes):
            match change:
                case Put():
                    target = self._absolute(change.path)
                    self._directories.make(os.path.dirname(target))
                    temporary = f"{target}.{uuid4()}.tmp"
                    file = self._changes.stage(temporary, change.content)
                    one.staged[position] = file
                case Move():
                    source = self._absolute(change.source)
                    one.staged[position] = self._changes.source(source)
                    target = self._absolute(change.target)
                    self._directories.make(os.path.dirname(target))
                case Append():
                    self._changes.append(change)

    def _sync_bytes(self, everyone: Sequence[Going]) -> None:
        """Make the bytes of all files durable that wait for their names."""
        paths = [file.path for one in everyone for file in one.staged.values()]
        if self._whole.is_cheaper(paths):
            self._sync_whole(everyone)
            return
        for one in everyone:
            for file in one.staged.values():
                file.start_writing(0, 0)
        for one in everyone:
            self._try(one, self._sync)

    def _sync_whole(self, everyone: Sequence[Going]) -> None:
        """The same for all at once; what fails then fails for all."""
        for one in everyone:
            self._try(one, self._check)
        try:
            self._whole.sync()
        except StorageFailure as failure:
            for one in everyone:
                for file in one.staged.values():
                    self._changes.distrust(file)
                if one.is_going and one.staged:
                    one.failure = failure

    def _check(self, one: Going) -> None:
        for file in one.staged.values():
            self._changes.check_trusted(file)

    def _sync(self, one: Going) -> None:
        for file in one.staged.values():
            self._changes.sync(file)

    def _name(self, one: Going) -> None:
        """Carry out the changes of this round as far as anybody can see them."""
        one.touched = None
        one.named = 0
        self._name_next(one)
        while isinstance(one.next_change, Create):
            self._name_next(one)

    def _name_next(self, one: Going) -> None:
        position = one.position + one.named
        match one.changes[position]:
            case Put(path=path) | Move(target=path):
                target = self._absolute(path)
                one.touched = os.path.dirname(target)
                self._disk.rename(one.staged[position].path, target)
                one.staged.pop(position).close()
            case Create() | Remove() as change:
                self._changes.apply([change])
            case Discard(path=path):
                self._changes.discard(self._absolute(path))
        one.named += 1

    def _settle(self, going: Sequence[Going]) -> None:
        """Make durable what this round has named; then its changes are done."""
        concerned: dict[str, list[Going]] = {}
        unsettled: set[str] = set()
        for one in going:
            if one.touched is not None:
                names = self._directories.unsettled(one.touched)
                unsettled.update(names)
                for directory in dict.fromkeys([one.touched, *_above(names)]):
                    concerned.setdefault(directory, []).append(one)
        if self._sync_directories(concerned):
            self._directories.settled(unsettled)
        for one in going:
            if one.is_going:
                one.position += one.named

    def _sync_directories(self, concerned: Mapping[str, Sequence[Going]]) -> bool:
        """Sync each for all that it concerns; whether everything went well."""
        if not self._whole.is_cheaper(list(concerned)):
            synced = [self._sync_names(*each) for each in concerned.items()]
            return all(synced)
        try:
            self._whole.sync()
        except StorageFailure as failure:
            self._directories.owe(concerned)
            for those in concerned.values():
                for one in those:
                    one.failure = failure
            return False
        return True

    def _sync_names(self, directory: str, those: Sequence[Going]) -> bool:
        """Sync a directory for all that it concerns; whether that went well."""
        try:
            self._directories.sync(directory)
        except Absent:
            for one in those:
                one.is_odd = True
        except StorageFailure as failure:
            for one in those:
                one.failure = failure
        else:
            return True
        return False

    def _leave(self, one: Going) -> None:
        """Let go of files, and remove those that never got their name."""
        for position, file in one.staged.items():
            file.close()
            if isinstance(one.changes[position], Put):
                with suppress(Absent, StorageFailure):
                    self._disk.unlink(file.path)
        one.staged.clear()

    def _go_alone(self, one: Going) -> None:
        try:
            self._changes.apply(one.changes[one.position :])
        except (Absent, StorageFailure) as failure:
            one.failure = failure

    def _absolute(self, path: str) -> str:
        return f"{self._root}/{path}"


def _above(paths: Sequence[str]) -> list[str]:
    return [os.path.dirname(path) for path in paths]
