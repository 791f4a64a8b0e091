"""From YAML text to a tree, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from registry.config.builder import NESTED, Builder
from registry.config.errors import ConfigError, Origin, Report
from registry.config.tree import Node

MAX_BYTES = 1024 * 1024
"""A configuration is smaller than this; anything larger is some other file."""

# Wheels and Debian have libyaml, which is eight times faster; a bare build does not.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TOO_DEEP = "exceeded maximum nesting depth"
"""What libyaml says since 0.2.6. Its bound is higher than ours, but it reads ahead."""


def parse(
    text: bytes | str, source: str, report: Report, *, lines: bool = True
) -> Node | None:
    """The tree that ``text`` spells; None if it spells nothing.

    ``lines=False`` leaves line and column out of origins, for text from no file.
    Keys that stand twice go to ``report``. Raises ConfigError, with all that is in
    ``report``, for text that is not YAML or beyond the bounds.
    """
    builder = Builder(source=source, lines=lines, report=report)
    if len(text) > MAX_BYTES:
        message = f"is larger than {MAX_BYTES} bytes; this is not a configuration"
        _refuse(report, Origin(source), message)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"is not valid YAML: {error.problem}"
        if error.problem == _TOO_DEEP:
            message = NESTED
        _refuse(report, builder.origin(mark), message)
    except (yaml.YAMLError, UnicodeError) as error:
        reason = getattr(error, "reason", "it cannot be read")
        _refuse(report, Origin(source), f"is not valid YAML: {reason}")
    return builder.root


def _refuse(report: Report, origin: Origin, message: str) -> None:
    report.error(origin, "", message)
    raise ConfigError(report.problems)


def _events(text: bytes | str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()
