"""What differs between two configurations, and one made of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from registry.config.schema import Configuration
from registry.config.shape import Section, section_of

Path = tuple[str, ...]


def differing(one: Configuration, other: Configuration) -> list[str]:
    """The dotted keys whose values differ, in the order of the documentation.

    A list or mapping is one value, and so is a section that only one of them has.
    """
    paths = _differing(section_of(Configuration), one, other, ())
    return [".".join(path) for path in paths]


def keeping(
    new: Configuration, old: Configuration, keeps: Callable[[str], bool]
) -> Configuration:
    """``new``, with the value in ``old`` of every dotted key that ``keeps`` says."""
    kept: Configuration = _keeping(section_of(Configuration), new, old, (), keeps)
    return attrs.evolve(kept, source=new.source, warnings=new.warnings)


def _differing(section: Section, one: Any, other: Any, path: Path) -> Iterator[Path]:  # noqa: ANN401 - any section
    for name, option in section.options.items():
        here, there = getattr(one, option.attribute), getattr(other, option.attribute)
        if here == there:
            continue
        if isinstance(option.shape, Section) and here is not None and there is not None:
            yield from _differing(option.shape, here, there, (*path, name))
        else:
            yield (*path, name)


def _keeping(
    section: Section,
    new: Any,  # noqa: ANN401 - any section
    old: Any,  # noqa: ANN401 - of the same class
    path: Path,
    keeps: Callable[[str], bool],
) -> Any:  # noqa: ANN401 - of the same class
    kept: dict[str, Any] = {}
    for name, option in section.options.items():
        ours, theirs = getattr(new, option.attribute), getattr(old, option.attribute)
        if ours == theirs:
            continue
        here = (*path, name)
        if isinstance(option.shape, Section) and None not in (ours, theirs):
            kept[option.attribute] = _keeping(option.shape, ours, theirs, here, keeps)
        elif keeps(".".join(here)):
            kept[option.attribute] = theirs
    return attrs.evolve(new, **kept)
