"""Builds a tree from YAML events.

Without recursion, so that no depth of nesting, no alias inside itself and no aliases of
aliases can exhaust the stack or the memory.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NoReturn, Protocol

import attrs
import yaml

from registry.config.errors import ConfigError, Origin, Report
from registry.config.tree import Entry, Mapping, Node, Scalar, Sequence

MAX_DEPTH = 32
MAX_NODES = 50_000
"""Bounds of a configuration: its nesting, and its values with aliases written out."""

NESTED = f"is nested more than {MAX_DEPTH} deep"
"""What is wrong with a text beyond the first of them."""

_TAG = "tag:yaml.org,2002:"
_TEXT = frozenset({"!", _TAG + "str"})
_TAGS = _TEXT | {_TAG + name for name in ("bool", "float", "int", "map", "null", "seq")}
_Tagged = yaml.ScalarEvent | yaml.CollectionStartEvent

_KEY = "a key must be a single word, not a list or mapping"


class Mark(Protocol):
    """Where PyYAML is in a text; counted from 0."""

    line: int
    column: int


@attrs.define
class _Open:
    """A list or mapping whose end has not been read; keys and values alternate."""

    origin: Origin
    anchor: str | None
    is_mapping: bool
    key: Scalar | None = None
    items: list[Node] = attrs.field(factory=list)
    entries: dict[str, Entry] = attrs.field(factory=dict)
    merges: list[Node] = attrs.field(factory=list)
    weight: int = 1

    @property
    def awaits_key(self) -> bool:
        return self.is_mapping and self.key is None

    @property
    def place(self) -> str:
        """The part of a dotted key that the value being read stands under."""
        if self.is_mapping:
            return self.key.text if self.key else ""
        return str(len(self.items))


@attrs.define(kw_only=True)
class Builder:
    """Takes events one by one; ``root`` is the tree once the last was taken."""

    source: str
    lines: bool
    report: Report
    root: Node | None = None
    _open: list[_Open] = attrs.field(factory=list, init=False)
    _anchors: dict[str, tuple[Node, int] | None] = attrs.field(factory=dict, init=False)
    _documents: int = attrs.field(default=0, init=False)

    def origin(self, mark: Mark | None) -> Origin:
        """The origin for a mark of PyYAML, which counts from 0."""
        if mark is None or not self.lines:
            return Origin(self.source)
        return Origin(self.source, mark.line + 1, mark.column + 1)

    def take(self, event: yaml.Event) -> None:
        """Grow the tree by one event. Raises ConfigError beyond the bounds."""
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._refuse(event, "holds a second document; keep one")
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._start(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end(event)

    def _refuse(self, event: yaml.Event, message: str) -> NoReturn:
        self.report.error(self.origin(event.start_mark), self._path(), message)
        raise ConfigError(self.report.problems)

    def _path(self, last: str = "") -> str:
        parts = [opened.place for opened in self._open]
        return ".".join(part for part in (*parts, last) if part)

    def _check_tag(self, event: _Tagged) -> None:
        if event.tag is not None and event.tag not in _TAGS:
            shown = event.tag.replace(_TAG, "!!")[:40]
            self._refuse(event, f"the tag {shown} has no use here; remove it")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._check_tag(event)
        plain = event.style in (None, "") and event.tag not in _TEXT
        origin = self.origin(event.start_mark)
        node = Scalar(origin, event.value, plain)
        self._remember(event.anchor, node, 1)
        self._add(event, node, 1)

    def _alias(self, event: yaml.AliasEvent) -> None:
        name = event.anchor or ""
        if name not in self._anchors:
            self._refuse(event, f"*{name[:40]} has no anchor before it")
        known = self._anchors[name]
        if known is None:
            self._refuse(event, f"*{name[:40]} stands inside itself")
        node, weight = known
        self._add(event, node, weight)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        self._check_tag(event)
        if len(self._open) >= MAX_DEPTH:
            self._refuse(event, NESTED)
        if self._open and self._open[-1].awaits_key:
            self._refuse(event, _KEY)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        origin = self.origin(event.start_mark)
        self._open.append(_Open(origin, event.anchor, is_mapping))

    def _end(self, event: yaml.Event) -> None:
        done = self._open.pop()
        node: Node = Sequence(done.origin, tuple(done.items))
        if done.is_mapping:
            for merge in done.merges:
                self._merge(event, done.entries, merge)
            node = Mapping(done.origin, MappingProxyType(done.entries))
        self._remember(done.anchor, node, done.weight)
        self._add(event, node, done.weight)

    def _remember(self, anchor: str | None, node: Node, weight: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, weight)

    def _add(self, event: yaml.Event, node: Node, weight: int) -> None:
        if not self._open:
            self.root = node
            return
        into = self._open[-1]
        into.weight += weight
        if into.weight > MAX_NODES:
            self._refuse(event, f"holds more than {MAX_NODES} values, aliases included")
        if not into.is_mapping:
            into.items.append(node)
        elif into.key is None:
            self._key(event, into, node)
        else:
            self._value(into, into.key, node)

    def _key(self, event: yaml.Event, into: _Open, node: Node) -> None:
        if not isinstance(node, Scalar):
            self._refuse(event, _KEY)
        into.key = attrs.evolve(node, origin=self.origin(event.start_mark))

    def _value(self, into: _Open, key: Scalar, node: Node) -> None:
        into.key = None
        first = into.entries.get(key.text)
        if key.plain and key.text == "<<":
            into.merges.append(node)
        elif first is not None:
            message = f"stands here twice (first: {first.origin}); keep one of them"
            self.report.error(key.origin, self._path(key.text), message)
        else:
            into.entries[key.text] = Entry(key.origin, node)

    def _merge(self, event: yaml.Event, entries: dict[str, Entry], merge: Node) -> None:
        """Bring in what ``<<`` names; what is written wins, then what comes first."""
        sources = merge.items if isinstance(merge, Sequence) else (merge,)
        for source in sources:
            if not isinstance(source, Mapping):
                self._refuse(event, "<< takes a mapping or a list of mappings")
            for key, entry in source.entries.items():
                entries.setdefault(key, entry)
