"""Environment variables that override the file: ``REGISTRY_HTTP_ADDR=:5001``.

A variable names an option by its keys joined with ``_``; its value is YAML. The names
are found through the declared options, so that a key with an underscore in it can be
reached, and a variable that means nothing is known to mean nothing.

Source: Distribution ``configuration/parser.go``. Differences: nested keys of
``storage`` and keys with ``_`` work, and text that is not YAML is taken as it is where
text is wanted.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping as MappingABC

import attrs

from registry.config.decode import expanded
from registry.config.errors import ConfigError, Origin, Problem, Report
from registry.config.legacy import dropped, moved
from registry.config.parse import parse
from registry.config.schema import Configuration
from registry.config.shape import Leaf, ListOf, MapOf, Section, Shape, section_of
from registry.config.tree import Entry, Mapping, Node, Scalar, Sequence, placed

PREFIX = "REGISTRY_"
PATH_VARIABLE = "REGISTRY_CONFIGURATION_PATH"
_NOT_OPTIONS = frozenset({PATH_VARIABLE})
_VERSION = "REGISTRY_VERSION"


def override(root: Mapping, environment: MappingABC[str, str], report: Report) -> Node:
    """``root`` with what the variables say put over it, in order of their names."""
    node: Node = root
    for name in sorted(environment, key=_order):
        if name.startswith(PREFIX) and name not in _NOT_OPTIONS:
            variable = _Variable(name, environment[name])
            node = _apply(node, variable, report)
    return node


def _order(name: str) -> list[tuple[int, int, str]]:
    """Lexical order, but list elements by number, so that 10 comes after 9."""
    return [
        (0, int(part), "") if part.isdecimal() and len(part) < 10 else (1, 0, part)
        for part in name.split("_")
    ]


@attrs.frozen
class _Variable:
    name: str
    text: str

    @property
    def origin(self) -> Origin:
        return Origin(self.name)

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.name.removeprefix(PREFIX).split("_"))


def _apply(root: Node, variable: _Variable, report: Report) -> Node:
    if variable.name == _VERSION:
        report.warn(variable.origin, "", "does not change the version; ignored")
        return root
    setter = _Setter(variable)
    try:
        changed = setter.set(root, section_of(Configuration), variable.parts, ())
    except ConfigError as error:
        report.problems.extend(error.problems)
        return root
    return changed if changed is not None else _legacy(root, variable, report)


def _legacy(root: Node, variable: _Variable, report: Report) -> Node:
    path = moved(variable.parts)
    if path is not None and isinstance(root, Mapping):
        scalar = Scalar(variable.origin, variable.text, plain=True)
        return placed(_written_out(root), path, Entry(variable.origin, scalar))
    message = dropped(variable.parts)
    if message is None:
        message = f"is not an option of the registry; ignored{_hint(variable)}"
    report.warn(variable.origin, "", message)
    return root


def _written_out(root: Mapping) -> Mapping:
    """``root`` with every bare name written out, so that keys can be put below it."""
    for name, option in section_of(Configuration).options.items():
        entry = root.entries.get(name)
        if entry is not None and isinstance(option.shape, Section):
            value = expanded(option.shape, entry.value)
            root = root.with_entry(name, Entry(entry.origin, value))
    return root


def _hint(variable: _Variable) -> str:
    """The section that the variable may have meant to set something in."""
    section = section_of(Configuration)
    close = difflib.get_close_matches(
        variable.parts[0].lower()[:80], section.options, 1
    )
    if not close:
        return ""
    return f" (see {close[0]} in the documentation of the configuration)"


@attrs.frozen
class _Setter:
    """Puts one variable into a tree; each method answers None if nothing fits."""

    variable: _Variable

    def set(
        self,
        node: Node | None,
        shape: Shape,
        parts: tuple[str, ...],
        path: tuple[str, ...],
    ) -> Node | None:
        """``node`` with the variable's value where ``parts`` lead by ``shape``."""
        if not parts:
            return self._value(shape, path)
        match shape:
            case Section():
                return self._in_section(node, shape, parts, path)
            case ListOf(item=item):
                return self._in_list(node, item, parts, path)
            case MapOf(value=value):
                return self._in_map(node, value, parts, path)
            case _:
                return None

    def _in_section(
        self,
        node: Node | None,
        shape: Section,
        parts: tuple[str, ...],
        path: tuple[str, ...],
    ) -> Node | None:
        current = expanded(shape, node) if node else Mapping(self.variable.origin)
        for length in range(1, len(parts) + 1):
            word = "_".join(parts[:length]).lower()
            for option in shape.options.values():
                if word not in (option.name, option.go_name):
                    continue
                changed = self._in_entry(
                    current, option.name, option.shape, parts[length:], path
                )
                if changed is not None:
                    return changed
        return None

    def _in_map(
        self,
        node: Node | None,
        value: Shape,
        parts: tuple[str, ...],
        path: tuple[str, ...],
    ) -> Node | None:
        current = _or_empty(node, Mapping(self.variable.origin))
        known = current.entries if isinstance(current, Mapping) else {}
        for length in range(1, len(parts) + 1):
            word = "_".join(parts[:length])
            same = [name for name in known if name.upper() == word.upper()]
            name = same[0] if same else word.lower()
            changed = self._in_entry(current, name, value, parts[length:], path)
            if changed is not None:
                return changed
        return None

    def _in_entry(
        self,
        current: Node,
        name: str,
        shape: Shape,
        parts: tuple[str, ...],
        path: tuple[str, ...],
    ) -> Node | None:
        below = current.entries.get(name) if isinstance(current, Mapping) else None
        inner = self.set(below.value if below else None, shape, parts, (*path, name))
        if inner is None or not isinstance(current, Mapping):
            # What is wrong with a node that is no mapping is said when it is decoded.
            return inner and current
        origin = below.origin if below and parts else self.variable.origin
        return current.with_entry(name, Entry(origin, inner))

    def _in_list(
        self,
        node: Node | None,
        item: Shape,
        parts: tuple[str, ...],
        path: tuple[str, ...],
    ) -> Node | None:
        current = _or_empty(node, Sequence(self.variable.origin, ()))
        if not parts[0].isdecimal():
            return None
        if not isinstance(current, Sequence):
            return current
        index = int(parts[0][:9])
        count = len(current.items)
        if index > count:
            message = f"sets element {index} of a list of {count}; the next is {count}"
            raise ConfigError([self._problem(path, message)])
        below = current.items[index] if index < count else None
        inner = self.set(below, item, parts[1:], (*path, str(index)))
        return None if inner is None else current.with_item(index, inner)

    def _value(self, shape: Shape, path: tuple[str, ...]) -> Node:
        origin = self.variable.origin
        try:
            node = parse(self.variable.text, origin.source, Report(), lines=False)
        except ConfigError as error:
            if isinstance(shape, Leaf):
                return Scalar(origin, self.variable.text, plain=False)
            raise ConfigError(
                self._problem(path, problem.message) for problem in error.problems
            ) from None
        if isinstance(shape, Leaf) and isinstance(node, Sequence | Mapping):
            return Scalar(origin, self.variable.text, plain=False)
        return node or Scalar(origin, "", plain=True)

    def _problem(self, path: tuple[str, ...], message: str) -> Problem:
        return Problem(self.variable.origin, ".".join(path), message)


def _or_empty(node: Node | None, empty: Node) -> Node:
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return empty
    return node
