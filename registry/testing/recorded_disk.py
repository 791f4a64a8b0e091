"""A disk that remembers, in order, all that was done to names and bytes.

What a power cut may leave of it is for ``power_cut.py`` to tell.

Only what goes through ``Disk.call`` is seen. A verb that this module does not know is
an error, so that a new kind of change cannot go unnoticed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import attrs

from registry.testing.watched_disk import Call, WatchedDisk

P = ParamSpec("P")
T = TypeVar("T")

Node = int
"""The number of a file or directory, which it keeps when it is renamed."""

ROOT: Node = 0

HARMLESS = frozenset(
    {"open", "read", "stat", "list", "close", "look at", "measure", "touch"}
)
"""Verbs that change neither names nor bytes."""


@attrs.frozen
class Link:
    """A new name in ``directory``; ``is_directory`` where it is a new directory."""

    directory: Node
    name: str
    node: Node
    is_directory: bool = False


@attrs.frozen
class Unlink:
    """A name is gone."""

    directory: Node
    name: str


@attrs.frozen
class Rename:
    """A file has another name, in one step, in place of whatever had it."""

    source: Node
    name: str
    target: Node
    new_name: str
    node: Node


@attrs.frozen
class Write:
    """Bytes at the end of a file."""

    node: Node
    content: bytes


@attrs.frozen
class Sync:
    """All bytes of a file are durable."""

    node: Node


@attrs.frozen
class SyncDirectory:
    """All names in a directory are durable."""

    node: Node


@attrs.frozen
class SyncTree:
    """All that was done is durable."""


Step = Link | Unlink | Rename | Write | Sync | SyncDirectory | SyncTree


class RecordedDisk(WatchedDisk):
    """A real disk below ``root``, which is there and empty; ``steps`` is its story.

    What is synced is only noted.
    """

    def __init__(self, *, root: str) -> None:
        super().__init__(syncs=False)
        self.steps: list[Step] = []
        self._root = root
        self._directories: dict[Node, dict[str, Node]] = {ROOT: {}}
        self._last = ROOT
        self._open: dict[int, Node] = {}

    def moved_to(self, root: str) -> RecordedDisk:
        """The same story so far, to go on with on a copy of the tree. None is open."""
        disk = RecordedDisk(root=root)
        disk.steps = list(self.steps)
        disk._directories = {n: dict(c) for n, c in self._directories.items()}
        disk._last = self._last
        return disk

    def made(
        self,
        call: Call,
        system_call: Callable[P, T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Make the call and note what it did; one that failed did nothing."""
        note = _NOTES.get(call.verb)
        if note is None and call.verb not in HARMLESS:
            raise AssertionError(f"what does {call.verb!r} do? tell {__file__}")
        result = super().made(call, system_call, *args, **kwargs)
        if note is not None:
            note(self, call.path, args, result)
        return result

    # What each verb does.

    def _create(
        self, path: str, _args: tuple[Any, ...], opened: tuple[int, int]
    ) -> None:
        node = self._link(path)
        self._open[opened[0]] = node

    def _append(
        self, path: str, _args: tuple[Any, ...], opened: tuple[int, int]
    ) -> None:
        self._open[opened[0]] = self._node(path)

    def _write(self, _path: str, args: tuple[Any, ...], taken: int) -> None:
        fd, buffers = args
        content = b"".join(buffers)[:taken]
        self.steps.append(Write(self._open[fd], content))

    def _sync(self, _path: str, args: tuple[Any, ...], _result: None) -> None:
        self.steps.append(Sync(self._open[args[0]]))

    def _sync_directory(self, path: str, _args: tuple[Any, ...], _result: None) -> None:
        self.steps.append(SyncDirectory(self._node(path)))

    def _sync_tree(self, _path: str, _args: tuple[Any, ...], _result: None) -> None:
        self.steps.append(SyncTree())

    def _rename(self, path: str, args: tuple[Any, ...], _result: None) -> None:
        source, name = self._place(args[0])
        target, new_name = self._place(path)
        node = self._directories[source].pop(name)
        self._directories[target][new_name] = node
        self.steps.append(Rename(source, name, target, new_name, node))

    def _hard_link(self, path: str, args: tuple[Any, ...], made: bool) -> None:
        if made:
            self._link(path, node=self._node(args[0]))

    def _unlink(self, path: str, _args: tuple[Any, ...], _result: None) -> None:
        directory, name = self._place(path)
        del self._directories[directory][name]
        self.steps.append(Unlink(directory, name))

    def _mkdir(self, path: str, _args: tuple[Any, ...], made: bool) -> None:
        if made:
            self._directories[self._link(path, is_directory=True)] = {}

    def _rmdir(self, path: str, _args: tuple[Any, ...], removed: bool) -> None:
        if removed:
            self._unlink(path, (), None)

    # Where it happened.

    def _link(
        self, path: str, *, is_directory: bool = False, node: Node | None = None
    ) -> Node:
        """A name for a node, or for a new one."""
        directory, name = self._place(path)
        if node is None:
            node = self._last = self._last + 1
        self._directories[directory][name] = node
        self.steps.append(Link(directory, name, node, is_directory))
        return node

    def _place(self, path: str) -> tuple[Node, str]:
        above, name = os.path.split(path)
        return self._node(above), name

    def _node(self, path: str) -> Node:
        node = ROOT
        for name in path.removeprefix(self._root).split("/"):
            node = self._directories[node][name] if name else node
        return node


_NOTES: dict[str, Callable[..., None]] = {
    "create": RecordedDisk._create,
    "append to": RecordedDisk._append,
    "write": RecordedDisk._write,
    "sync": RecordedDisk._sync,
    "sync directory": RecordedDisk._sync_directory,
    "sync file system": RecordedDisk._sync_tree,
    "rename to": RecordedDisk._rename,
    "link": RecordedDisk._hard_link,
    "unlink": RecordedDisk._unlink,
    "make directory": RecordedDisk._mkdir,
    "remove directory": RecordedDisk._rmdir,
}
