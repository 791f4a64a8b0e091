"""What an option can hold, taken from the type it is declared with.

Everything that walks the options goes by shapes: reading, environment variables, the
documentation, and showing what is in effect. So an option is declared once.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs

from registry.config.kinds import (
    BOOLEAN,
    INTEGER,
    TEXT,
    GoName,
    Hidden,
    Kind,
    Ours,
    choice,
)


@attrs.frozen
class Leaf:
    """A single value. ``optional`` ones read empty text as nothing."""

    kind: Kind
    optional: bool = False


@attrs.frozen
class ListOf:
    """A list of values of one shape."""

    item: Shape


@attrs.frozen
class MapOf:
    """A mapping from names that the operator chooses to values of one shape."""

    name: Kind
    value: Shape


@attrs.frozen
class Anything:
    """Free YAML, for what only its receiver understands."""


@attrs.frozen
class Option:
    """One key of a section. ``attribute`` is its name in the section's class."""

    name: str
    attribute: str
    shape: Shape
    default: Any
    go_name: str
    ours: bool
    hidden: bool

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is attrs.NOTHING

    def make_default(self) -> object:
        """The value where nothing is said."""
        made = getattr(self.default, "factory", None)
        return self.default if made is None else made()


@attrs.frozen
class Section:
    """A mapping with known keys: one attrs class."""

    made: type[Any]
    options: Mapping[str, Option] = attrs.field(eq=False)

    @property
    def exclusive(self) -> tuple[str, ...]:
        """Options of which at most one may be said."""
        found: tuple[str, ...] = getattr(self.made, "EXCLUSIVE", ())
        return found

    @property
    def needs_choice(self) -> bool:
        """Whether one of the exclusive options has to be said."""
        return bool(getattr(self.made, "NEEDS_CHOICE", False))

    @property
    def takes_name(self) -> bool:
        """Whether a bare ``name`` may stand for ``{name: {}}``."""
        return bool(self.exclusive)


Shape = Leaf | ListOf | MapOf | Anything | Section


@cache
def section_of(made: type[object]) -> Section:
    """The section that an attrs class declares; private attributes are not options."""
    hints = get_type_hints(made, include_extras=True)
    options = [
        _option(field, hints[field.name])
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", made))
        if not field.metadata.get(NOT_AN_OPTION)
    ]
    named = {option.name: option for option in options}
    return Section(made, types.MappingProxyType(named))


NOT_AN_OPTION = "not an option"
"""Metadata of an attribute that is worked out, not written in a configuration."""


def _option(field: attrs.Attribute[Any], hint: object) -> Option:
    notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    go_names = [note.name for note in notes if isinstance(note, GoName)]
    # "from" is a word of Python; its attribute is from_.
    name = field.name.rstrip("_")
    return Option(
        name=name,
        attribute=field.name,
        shape=shape_of(hint),
        default=field.default,
        go_name=go_names[0] if go_names else name,
        ours=Ours in notes,
        hidden=Hidden in notes,
    )


def shape_of(hint: object) -> Shape:
    """The shape that a type declares."""
    notes: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        notes = tuple(rest)
    for note in notes:
        if isinstance(note, Kind):
            return Leaf(note)
    if get_origin(hint) in (Union, types.UnionType):
        return _optional(hint)
    return _container(hint)


def _optional(hint: object) -> Shape:
    inner = [arg for arg in get_args(hint) if arg is not type(None)]
    shape = shape_of(inner[0])
    return attrs.evolve(shape, optional=True) if isinstance(shape, Leaf) else shape


def _container(hint: object) -> Shape:
    arguments = get_args(hint)
    origin = get_origin(hint)
    if origin is Literal:
        return Leaf(choice(arguments))
    if origin is tuple:
        return ListOf(shape_of(arguments[0]))
    if origin is Mapping:
        name = shape_of(arguments[0])
        kind = name.kind if isinstance(name, Leaf) else TEXT
        return MapOf(kind, shape_of(arguments[1]))
    if hint is object:
        return Anything()
    return Leaf(_KINDS[hint]) if hint in _KINDS else section_of(hint)


_KINDS: dict[object, Kind] = {bool: BOOLEAN, int: INTEGER, str: TEXT}
