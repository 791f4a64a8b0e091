"""From a tree to the frozen values of the options.

Nothing stops at the first mistake: every value is read, and all that is wrong is in the
report. Only the result of a report without problems is of any use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingABC
from types import MappingProxyType
from typing import Any

from registry.config.advice import unknown
from registry.config.errors import Contradiction, Report
from registry.config.kinds import TEXT, Kind, read_plain
from registry.config.shape import (
    Anything,
    Leaf,
    ListOf,
    MapOf,
    Option,
    Section,
    Shape,
)
from registry.config.tree import (
    Entry,
    Mapping,
    Node,
    Scalar,
    Sequence,
    describe,
    origin_of,
)

Refused = MappingABC[str, Callable[[Any], bool]]

NOT_YET_MESSAGE = "is not yet supported; remove it to start without it"


class Unreadable:
    """Stands for a value whose problem is in the report."""


def decode(section: Section, root: Node, report: Report, not_yet: Refused) -> object:
    """The value of the section's class that ``root`` describes.

    ``not_yet`` tells by dotted key which values are refused as not yet supported. If
    there are problems in ``report`` afterwards, what is returned is of no use.
    """
    return Decoder(report, not_yet).read(section, root, ())


class Decoder:
    """Reads nodes by shape."""

    def __init__(self, report: Report, not_yet: Refused) -> None:
        self._report = report
        self._not_yet = not_yet

    def read(self, shape: Shape, node: Node, path: tuple[str, ...]) -> object:
        """The value of ``node``, or Unreadable."""
        match shape:
            case Leaf():
                return self._leaf(shape, node, path)
            case ListOf(item=item):
                return self._list(item, node, path)
            case MapOf():
                return self._map(shape, node, path)
            case Section():
                return self._section(shape, node, path)
            case Anything():
                return self._free(node, path)

    def _refuse(self, node: Node, path: tuple[str, ...], message: str) -> object:
        self._report.error(node.origin, ".".join(path), message)
        return Unreadable()

    def _text(self, kind: Kind, node: Scalar, path: tuple[str, ...]) -> object:
        try:
            value = kind.read(node.text)
        except ValueError as error:
            return self._refuse(node, path, str(error))
        warning = kind.caution(node.text)
        if warning is not None:
            self._report.warn(node.origin, ".".join(path), warning)
        return value

    def _leaf(self, shape: Leaf, node: Node, path: tuple[str, ...]) -> object:
        if not isinstance(node, Scalar):
            message = f"takes one {shape.kind.name}, not {describe(node)}"
            return self._refuse(node, path, message)
        if node.is_null:
            return self._refuse(node, path, f"needs a value: {shape.kind.name}")
        if shape.optional and not node.text:
            return None
        return self._text(shape.kind, node, path)

    def _list(self, item: Shape, node: Node, path: tuple[str, ...]) -> object:
        if not isinstance(node, Sequence):
            message = f"takes a list such as [a, b], not {describe(node)}"
            return self._refuse(node, path, message)
        values = tuple(
            self.read(item, value, (*path, str(index)))
            for index, value in enumerate(node.items)
        )
        return Unreadable() if _any_unreadable(values) else values

    def _map(self, shape: MapOf, node: Node, path: tuple[str, ...]) -> object:
        if not isinstance(node, Mapping):
            message = f"takes a mapping such as {{a: b}}, not {describe(node)}"
            return self._refuse(node, path, message)
        values: dict[str, object] = {}
        for name, entry in node.entries.items():
            below = (*path, name)
            key = Scalar(entry.origin, name, plain=True)
            read = self._text(shape.name, key, below)
            value = self.read(shape.value, entry.value, below)
            values[name] = read if isinstance(read, Unreadable) else value
        if _any_unreadable(values.values()):
            return Unreadable()
        return MappingProxyType(values)

    def _free(self, node: Node, path: tuple[str, ...]) -> object:
        match node:
            case Scalar(is_null=True):
                return None
            case Scalar(plain=True):
                return self._text(Kind("value", read_plain), node, path)
            case Scalar():
                return self._text(TEXT, node, path)
            case Sequence():
                return self._list(Anything(), node, path)
            case Mapping():
                return self._map(MapOf(Kind("text", str), Anything()), node, path)

    def _section(self, shape: Section, node: Node, path: tuple[str, ...]) -> object:
        node = expanded(shape, node)
        if not isinstance(node, Mapping):
            known = ", ".join(shape.options)
            message = f"takes a mapping with {known}; not {describe(node)}"
            return self._refuse(node, path, message)
        for name, entry in node.entries.items():
            if name not in shape.options:
                message = unknown(name, shape, path)
                self._report.error(entry.origin, ".".join((*path, name)), message)
        chosen = self._check_choice(shape, node, path)
        values = {
            option.attribute: self._option(option, node, path)
            for option in shape.options.values()
        }
        whole = chosen and not _any_unreadable(values.values())
        if not whole:
            values = _without_broken_sections(shape, values)
        if _any_unreadable(values.values()):
            return Unreadable()
        made = self._make(shape, values, node, path)
        return made if whole else Unreadable()

    def _option(self, option: Option, node: Mapping, path: tuple[str, ...]) -> object:
        entry = node.entries.get(option.name)
        said = entry is not None and not _says_nothing(option, entry.value)
        if entry is not None and said:
            return self._said(option, entry, (*path, option.name))
        if option.required:
            origin = entry.origin if entry else node.origin
            message = "is required"
            self._report.error(origin, ".".join((*path, option.name)), message)
            return Unreadable()
        return option.make_default()

    def _said(self, option: Option, entry: Entry, path: tuple[str, ...]) -> object:
        value = self.read(option.shape, entry.value, path)
        key = ".".join(path)
        refused = self._not_yet.get(key)
        usable = not isinstance(value, Unreadable)
        if refused is not None and usable and refused(value):
            self._report.error(entry.origin, key, NOT_YET_MESSAGE)
        return value

    def _make(
        self,
        shape: Section,
        values: dict[str, object],
        node: Mapping,
        path: tuple[str, ...],
    ) -> object:
        try:
            return shape.made(**values)
        except Contradiction as error:
            option = tuple(error.option.split(".")) if error.option else ()
            origin = origin_of(node, option)
            key = ".".join((*path, *option))
            self._report.error(origin, key, error.message)
            return Unreadable()

    def _check_choice(
        self, shape: Section, node: Mapping, path: tuple[str, ...]
    ) -> bool:
        """Whether no more of the exclusive options are said than may be, nor fewer."""
        said = [name for name in node.entries if name in shape.exclusive]
        if shape.needs_choice and not said:
            message = f"names none of {', '.join(shape.exclusive)}; add one"
            self._report.error(node.origin, ".".join(path), message)
        elif len(said) > 1:
            self._refuse_all_but_one(said, node, path)
        return len(said) == 1 or not (said or shape.needs_choice)

    def _refuse_all_but_one(
        self, said: list[str], node: Mapping, path: tuple[str, ...]
    ) -> None:
        places = ", ".join(f"{name} ({node.entries[name].origin})" for name in said)
        variable = "_".join(("REGISTRY", *path)).upper()
        message = (
            f"names {places}; keep one, or set {variable}={said[-1]} to replace the"
            f" whole section of the file"
        )
        self._report.error(node.entries[said[1]].origin, ".".join(path), message)


def expanded(shape: Section, node: Node) -> Node:
    """``node`` with a bare name or nothing written out as the mapping it stands for."""
    if not isinstance(node, Scalar):
        return node
    if node.is_null:
        return Mapping(node.origin)
    if not shape.takes_name:
        return node
    inner = Entry(node.origin, Mapping(node.origin))
    return Mapping(node.origin).with_entry(node.text, inner)


def _says_nothing(option: Option, value: Node) -> bool:
    """Whether an option is written without a value, and so stays at its default.

    A driver written without a value is still chosen.
    """
    if not isinstance(value, Scalar) or not value.is_null:
        return False
    return not (isinstance(option.shape, Section) and option.default is None)


def _without_broken_sections(
    shape: Section, values: dict[str, object]
) -> dict[str, object]:
    """``values`` with defaults for the sections among them that could not be read.

    So that what is wrong in one section does not hide what is wrong beside it.
    """
    sections = {
        option.attribute: option
        for option in shape.options.values()
        if isinstance(option.shape, Section) and not option.required
    }
    return {
        name: sections[name].make_default()
        if name in sections and isinstance(value, Unreadable)
        else value
        for name, value in values.items()
    }


def _any_unreadable(values: Iterable[object]) -> bool:
    return any(isinstance(value, Unreadable) for value in values)
