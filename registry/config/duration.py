"""Durations as Go writes them: ``5m``, ``1h30m``, ``500ms``.

Source: Go ``time.ParseDuration``; Distribution reads a bare integer as nanoseconds.
"""

from __future__ import annotations

import re
from fractions import Fraction

UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
"""Nanoseconds of each unit; both letters that look like a micro sign count."""

_LONGEST = 2**63 - 1
_PART = re.compile(r"(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?P<unit>[a-zµμ]+)")
_BARE = re.compile(r"[0-9]{1,19}")
_WRITE = "write a duration such as 500ms, 30s, 5m or 1h30m"


def parse_duration(text: str) -> float:
    """Seconds. Raises ValueError with a message that says what to write."""
    if text.startswith("-"):
        raise ValueError("must not be negative")
    nanoseconds = _nanoseconds(text.removeprefix("+"))
    if nanoseconds > _LONGEST:
        raise ValueError("is longer than 292 years")
    return nanoseconds / 1_000_000_000


def _nanoseconds(text: str) -> int:
    if _BARE.fullmatch(text):
        return int(text)
    if len(text) > 100 or not text:
        raise ValueError(_WRITE)
    total = 0
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            raise ValueError(_WRITE)
        total += _part(match)
        position = match.end()
    return total


def _part(match: re.Match[str]) -> int:
    whole, part, unit = match["whole"], match["part"] or "", match["unit"]
    if unit not in UNITS or not whole + part:
        raise ValueError(_WRITE)
    scale: int = 10 ** len(part)
    return int(whole + part) * UNITS[unit] // scale


def is_bare(text: str) -> bool:
    """Whether ``text`` is a number other than 0 without a unit, so nanoseconds."""
    return bool(_BARE.fullmatch(text)) and int(text) != 0


def format_duration(seconds: float) -> str:
    """What ``parse_duration`` reads as ``seconds`` again, in the largest units."""
    left = round(Fraction(seconds) * 1_000_000_000)
    if left == 0:
        return "0s"
    text = ""
    for unit in ("h", "m", "s", "ms", "us", "ns"):
        count, left = divmod(left, UNITS[unit])
        if count:
            text += f"{count}{unit}"
    return text
