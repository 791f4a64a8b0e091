"""What a disk may hold after the power was cut.

A disk keeps bytes in memory until they are synced, and names until their directory is.
When the power goes, it has kept what was synced, and of all else whatever it pleased:

- of a file's bytes that were not synced, any part from the start, and zeros after it,
  as long as the file may have been;
- of a directory's changes that were not synced, any number of the first. A rename is
  one step for both directories: a file is never at both places or at none. So whatever
  keeps it keeps what came before in both.

Journalling file systems promise more than this: ext4 and XFS keep a part from the start
of all changes to names, whatever directory they are in, and a sync of anything makes
all before it last. Such outcomes are among those that are tried.

Sources: fsync(2), ext4 "Data Mode" in the kernel's admin-guide, and "All File Systems
Are Not Created Equal" (OSDI 2014).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random

import attrs

from registry.testing.recorded_disk import (
    ROOT,
    Link,
    Node,
    Rename,
    Step,
    Sync,
    SyncDirectory,
    SyncTree,
    Unlink,
    Write,
)

Change = Link | Unlink | Rename
"""A step that changes names."""


@attrs.frozen
class Kept:
    """Of a file: its first ``good`` bytes, and ``zeros`` behind them."""

    node: Node
    good: int
    zeros: int


Remains = dict[str, Kept | None]
"""What is left, by path below the root; None is a directory."""

Bytes = Callable[[int, int], tuple[int, int]]
"""From the bytes synced and written: how many are good, and how many zeros follow."""


class Story:
    """All that was done to a disk, and how much of it a power cut may undo.

    A position is the number of steps that were done when the power went.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._lasting = _when_lasting(steps)
        self._changes: list[tuple[int, Change, tuple[Node, ...]]] = [
            (position, step, _directories(step))
            for position, step in enumerate(steps)
            if isinstance(step, Link | Unlink | Rename)
        ]
        self._syncs = [
            position
            for position, step in enumerate(steps)
            if isinstance(step, Sync | SyncDirectory | SyncTree)
        ]
        self._files: dict[Node, _File] = {}
        for position, step in enumerate(steps):
            if isinstance(step, Write | Sync):
                file = self._files.setdefault(step.node, _File())
                file.note(position, step)
            elif isinstance(step, SyncTree):
                for file in self._files.values():
                    file.note(position, Sync(ROOT))

    def remains(
        self, position: int, random: Random, mixtures: int
    ) -> Iterator[Remains]:
        """Some of what may be left: the worst, the best, and ``mixtures`` between."""
        for names in (self._lasting_names(position), self._every_name(position)):
            for keep in (_nothing_more, _everything, _zeros):
                yield self._build(position, names, keep)
        for _ in range(mixtures):
            yield self.mixture(position, random)

    def worst(self, position: int) -> Remains:
        """What is left when everything is lost that may be."""
        return self._build(position, self._lasting_names(position), _nothing_more)

    def mixture(self, position: int, random: Random) -> Remains:
        """What is left when the disk has kept some of what it need not."""
        pick = self._journal if random.random() < 0.5 else self._mixed
        return self._build(position, pick(position, random), _mixture(random))

    def content(self, kept: Kept) -> bytes:
        """The bytes of a file that is left."""
        file = self._files.get(kept.node)
        whole = b"" if file is None else bytes(file.content)
        return whole[: kept.good] + bytes(kept.zeros)

    # Which names are kept.

    def _lasting_names(self, position: int) -> set[int]:
        return {n for n, last in self._lasting.items() if last <= position}

    def _every_name(self, position: int) -> set[int]:
        return {number for number, _, _ in self._changes if number < position}

    def _journal(self, position: int, random: Random) -> set[int]:
        """A part from the start, not before the last sync of anything."""
        at = bisect_right(self._syncs, position - 1)
        least = self._syncs[at - 1] if at else 0
        return self._every_name(random.randint(least, position))

    def _mixed(self, position: int, random: Random) -> set[int]:
        """Of each directory a part from the start, and what the others need of it."""
        chance = random.random()
        chosen: set[int] = set()
        closed: set[Node] = set()
        for number, _, directories in self._changes:
            if number >= position:
                break
            if self._lasts(number, position) or (
                closed.isdisjoint(directories) and random.random() < chance
            ):
                chosen.add(number)
            else:
                closed.update(directories)
        return chosen

    def _lasts(self, number: int, position: int) -> bool:
        return number in self._lasting and self._lasting[number] <= position

    # The tree that they make.

    def _build(self, position: int, names: set[int], keep: Bytes) -> Remains:
        directories: dict[Node, dict[str, Node]] = {ROOT: {}}
        for number, change, _ in self._changes:
            if number in names:
                _apply(change, directories)
        kept: dict[Node, Kept] = {}
        found: Remains = {}

        def walk(directory: Node, above: str) -> None:
            for name, node in directories[directory].items():
                path = above + name
                if node in directories:
                    found[path] = None
                    walk(node, f"{path}/")
                else:
                    if node not in kept:
                        kept[node] = self._keep(node, position, keep)
                    found[path] = kept[node]

        walk(ROOT, "")
        return found

    def _keep(self, node: Node, position: int, keep: Bytes) -> Kept:
        file = self._files.get(node)
        synced, written = (0, 0) if file is None else file.at(position)
        return Kept(node, *keep(synced, written))


@attrs.define
class _File:
    """The bytes of a file, and how many were written and synced when."""

    content: bytearray = attrs.field(factory=bytearray)
    writes: list[tuple[int, int]] = attrs.field(factory=list)
    syncs: list[tuple[int, int]] = attrs.field(factory=list)

    def note(self, position: int, step: Write | Sync) -> None:
        """A step at ``position`` concerns this file."""
        if isinstance(step, Write):
            self.content += step.content
            self.writes.append((position, len(self.content)))
        else:
            self.syncs.append((position, len(self.content)))

    def at(self, position: int) -> tuple[int, int]:
        """Bytes synced and bytes written by all steps before ``position``."""
        return _last(self.syncs, position), _last(self.writes, position)


def _last(sizes: Sequence[tuple[int, int]], position: int) -> int:
    at = bisect_right(sizes, (position, -1))
    return sizes[at - 1][1] if at else 0


def _when_lasting(steps: Sequence[Step]) -> dict[int, int]:
    """For every change that ends up durable, the position from which on it is."""
    lasting: dict[int, int] = {}
    waiting: dict[Node, list[int]] = {}

    def settle(directory: Node, end: int, position: int) -> None:
        """What came before ``end`` in a directory lasts, and what that rests on."""
        there = waiting.get(directory, [])
        waiting[directory] = [number for number in there if number >= end]
        for number in there:
            if number < end and number not in lasting:
                lasting[number] = position + 1
                for other in _directories(steps[number]):
                    settle(other, number, position)

    for position, step in enumerate(steps):
        for directory in _synced(step, waiting):
            settle(directory, position, position)
        for directory in _directories(step):
            waiting.setdefault(directory, []).append(position)
    return lasting


def _synced(step: Step, known: Iterable[Node]) -> list[Node]:
    """The directories, of those ``known``, whose names a step makes durable."""
    match step:
        case SyncDirectory(node):
            return [node]
        case SyncTree():
            return list(known)
    return []


def _directories(step: Step) -> tuple[Node, ...]:
    """The directories whose names a step changes."""
    match step:
        case Link(directory=directory) | Unlink(directory=directory):
            return (directory,)
        case Rename(source=source, target=target):
            return (source,) if source == target else (source, target)
    return ()


def _apply(change: Change, directories: dict[Node, dict[str, Node]]) -> None:
    match change:
        case Link(directory, name, node, is_directory):
            directories.setdefault(directory, {})[name] = node
            if is_directory:
                directories.setdefault(node, {})
        case Unlink(directory, name):
            directories.setdefault(directory, {}).pop(name, None)
        case Rename(source, name, target, new_name, node):
            directories.setdefault(source, {}).pop(name, None)
            directories.setdefault(target, {})[new_name] = node


def _nothing_more(synced: int, _written: int) -> tuple[int, int]:
    return synced, 0


def _everything(_synced: int, written: int) -> tuple[int, int]:
    return written, 0


def _zeros(synced: int, written: int) -> tuple[int, int]:
    return synced, written - synced


def _mixture(random: Random) -> Bytes:
    def keep(synced: int, written: int) -> tuple[int, int]:
        good = random.randint(synced, written)
        return good, random.randint(0, written - good)

    return keep
