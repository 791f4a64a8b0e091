"""Numbers that a run of the crash tests prints at its end."""

from __future__ import annotations

from collections import Counter

COUNTS: dict[str, Counter[str]] = {}
NOTES: list[str] = []


def counted(suite: str, **numbers: int) -> None:
    """Add ``numbers``; an underscore in a name is shown as a blank."""
    COUNTS.setdefault(suite, Counter()).update(numbers)


def noted(line: str) -> None:
    """Print ``line`` too."""
    NOTES.append(line)


def summary() -> list[str]:
    """A line for each suite that ran, and the notes."""
    lines = [
        f"{suite}: "
        + ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in numbers.items())
        for suite, numbers in COUNTS.items()
    ]
    return lines + NOTES
