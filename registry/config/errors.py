"""What is wrong with a configuration, and where it says so."""

from __future__ import annotations

from collections.abc import Iterable

import attrs


@attrs.frozen
class Origin:
    """Where a value was written: a place in a file, or an environment variable.

    ``line`` and ``column`` count from 1; a variable has neither.
    """

    source: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        if self.line is None:
            return self.source
        return f"{self.source}:{self.line}:{self.column}"


@attrs.frozen
class Problem:
    """One thing that its writer has to mend: ``file:line:column: key: message``.

    ``key`` is dotted, list elements by number (``health.http.0.uri``); it is empty
    where the text is not YAML at all.
    """

    origin: Origin
    key: str
    message: str

    def __str__(self) -> str:
        key = self.key if self.key.isprintable() else ascii(self.key)
        named = f"{key}: " if key else ""
        return f"{self.origin}: {named}{self.message}"


class ConfigError(Exception):
    """A configuration that cannot be used; carries every problem found, never none."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Contradiction(Exception):
    """Options of one section that are each valid but not together.

    ``option`` names the one to report, relative to the section.
    """

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option
        self.message = message


@attrs.define
class Report:
    """Collects problems and warnings while a configuration is read."""

    problems: list[Problem] = attrs.field(factory=list)
    warnings: list[Problem] = attrs.field(factory=list)

    def error(self, origin: Origin, key: str, message: str) -> None:
        """Note what makes the configuration unusable."""
        self.problems.append(Problem(origin, key, message))

    def warn(self, origin: Origin, key: str, message: str) -> None:
        """Note what the operator should know but the registry can start with."""
        self.warnings.append(Problem(origin, key, message))
