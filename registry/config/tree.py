"""YAML as a tree of values that remember where they were written.

Scalars stay text: the option that receives one decides what the text means, so nothing
turns silently into a date, a number or a boolean on the way. Trees never change;
setting something makes a new tree, as aliases let one part stand in several places.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from types import MappingProxyType

import attrs

from registry.config.errors import Origin

NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@attrs.frozen
class Scalar:
    """One value as it was written; ``plain`` means without quotes and tag."""

    origin: Origin
    text: str
    plain: bool

    @property
    def is_null(self) -> bool:
        """Whether nothing is said, which leaves an option at its default."""
        return self.plain and self.text in NULLS


@attrs.frozen
class Sequence:
    """A list."""

    origin: Origin
    items: tuple[Node, ...]

    def with_item(self, index: int, value: Node) -> Sequence:
        """The same list with ``value`` in place ``index``, or after the last."""
        return attrs.evolve(
            self, items=(*self.items[:index], value, *self.items[index + 1 :])
        )


@attrs.frozen
class Entry:
    """A key's value, and where the key itself was written."""

    origin: Origin
    value: Node


@attrs.frozen
class Mapping:
    """Keys and values, in the order of the file; no key twice."""

    origin: Origin
    entries: MappingABC[str, Entry] = MappingProxyType({})

    def with_entry(self, key: str, entry: Entry) -> Mapping:
        """The same mapping with ``key`` set."""
        return attrs.evolve(
            self, entries=MappingProxyType({**self.entries, key: entry})
        )

    def without(self, key: str) -> Mapping:
        """The same mapping with ``key`` not said."""
        left = {name: entry for name, entry in self.entries.items() if name != key}
        return attrs.evolve(self, entries=MappingProxyType(left))


Node = Scalar | Sequence | Mapping


def describe(node: Node) -> str:
    """What ``node`` is, for messages; never its content, which may be secret."""
    match node:
        case Scalar(is_null=True):
            return "nothing"
        case Scalar():
            return "a single value"
        case Sequence():
            return "a list"
        case Mapping():
            return "a mapping"


def find(root: Node, path: tuple[str, ...]) -> Entry | None:
    """The entry at ``path`` through mappings; None if nothing is there."""
    entry = Entry(root.origin, root)
    for part in path:
        if not isinstance(entry.value, Mapping) or part not in entry.value.entries:
            return None
        entry = entry.value.entries[part]
    return entry


def origin_of(root: Node, path: tuple[str, ...]) -> Origin:
    """Where ``path`` was written; where ``root`` was, if it was not."""
    entry = find(root, path)
    return entry.origin if entry is not None else root.origin


def placed(root: Mapping, path: tuple[str, ...], entry: Entry) -> Mapping:
    """``root`` with ``entry`` at ``path``; mappings on the way are made as needed.

    ``root`` itself, if something that is no mapping is in the way.
    """
    if len(path) == 1:
        return root.with_entry(path[0], entry)
    below = root.entries.get(path[0])
    if below is None or (isinstance(below.value, Scalar) and below.value.is_null):
        below = Entry(entry.origin, Mapping(entry.origin))
    if not isinstance(below.value, Mapping):
        return root
    inner = placed(below.value, path[1:], entry)
    return root.with_entry(path[0], Entry(below.origin, inner))


def removed(root: Mapping, path: tuple[str, ...]) -> Mapping:
    """``root`` with nothing said at ``path``."""
    below = root.entries.get(path[0])
    if below is None:
        return root
    if len(path) == 1:
        return root.without(path[0])
    if not isinstance(below.value, Mapping):
        return root
    inner = removed(below.value, path[1:])
    return root.with_entry(path[0], Entry(below.origin, inner))
