"""The kinds of single value that an option can have.

A kind is a note on an option's type: ``Annotated[float, Kind(...)]``. It turns the text
of a scalar into a value, and says in the documentation what to write.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

import attrs

from registry.config.duration import format_duration, is_bare, parse_duration
from registry.config.secret import MASK, Secret
from registry.config.size import format_size, parse_size
from registry.core.share import Share, format_percent, parse_percent

TRUE = frozenset({"y", "yes", "true", "on"})
FALSE = frozenset({"n", "no", "false", "off"})
"""What Go's yaml.v2 reads as booleans, in lower case, upper case and capitalised."""

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+)")


@attrs.frozen
class Kind:
    """How one sort of scalar is read, shown and named.

    ``read`` raises ValueError with a message that tells what to write. ``caution``
    answers what an accepted text should make its writer look at twice, or None.
    """

    name: str
    read: Callable[[str], Any]
    show: Callable[[Any], object] = lambda value: value
    caution: Callable[[str], str | None] = lambda _text: None


@attrs.frozen
class GoName:
    """The name of an option's field in Distribution, where it is not its YAML key.

    Source: Distribution ``configuration/parser.go``; variables use the Go names.
    """

    name: str


class Ours:
    """Marks an option that Distribution does not have."""


class Hidden:
    """Marks lists and mappings that may hold secrets, so that they are never shown."""


def _cased(text: str) -> bool:
    return text in (text.lower(), text.upper(), text.capitalize())


def read_boolean(text: str) -> bool:
    """A boolean as Go's yaml.v2 reads it. Raises ValueError."""
    if _cased(text) and text.lower() in TRUE:
        return True
    if _cased(text) and text.lower() in FALSE:
        return False
    raise ValueError("must be true or false")


def read_integer(text: str) -> int:
    """A whole number of 64 bits. Raises ValueError."""
    if not _INTEGER.fullmatch(text) or len(text) > 70 or text.endswith("_"):
        raise ValueError("must be a whole number without leading zeros")
    number = int(text.replace("_", ""), 0)
    if not -(2**63) <= number < 2**63:
        raise ValueError("is beyond 64 bits")
    return number


def read_text(text: str) -> str:
    """Text without control characters other than tabs and newlines."""
    if any(ord(char) < 32 and char not in "\t\n" for char in text) or "\x7f" in text:
        raise ValueError("must not hold control characters")
    return text


def read_line(text: str) -> str:
    """One line of text that is not empty."""
    if not read_text(text).strip() or "\n" in text:
        raise ValueError("must be one line of text that is not empty")
    return text


def integer(*, at_least: int, at_most: int = 2**63 - 1, zero_is: int = 0) -> Kind:
    """Whole numbers within bounds; 0 can stand for Distribution's default."""

    def read(text: str) -> int:
        number = read_integer(text) or zero_is
        if not at_least <= number <= at_most:
            top = f" and at most {at_most}" if at_most < 2**63 - 1 else ""
            raise ValueError(f"must be at least {at_least}{top}")
        return number

    return Kind("integer", read)


def seconds(*, zero_is: float = 0.0) -> Kind:
    """Durations; 0 can stand for Distribution's default."""
    return Kind(
        "duration",
        lambda text: parse_duration(text) or zero_is,
        format_duration,
        _caution_bare,
    )


def _caution_bare(text: str) -> str | None:
    if not is_bare(text):
        return None
    return f"a bare {text} means nanoseconds; write a unit, such as {text}s"


def size(*, at_least: int = 0) -> Kind:
    """Sizes in bytes."""

    def read(text: str) -> int:
        number = parse_size(text)
        if number < at_least:
            raise ValueError(f"must be at least {format_size(at_least)}")
        return number

    return Kind("size", read, format_size)


def share(amount: Kind) -> Kind:
    """A fixed ``amount``, or a percentage of the whole."""

    def read(text: str) -> Share:
        percent = parse_percent(text)
        if percent is not None:
            return percent
        try:
            return Share(amount.read(text))
        except ValueError as error:
            raise ValueError(f"{error}, or a percentage such as 2%") from None

    def show(value: Share) -> object:
        if value.is_percent:
            return format_percent(value)
        return amount.show(int(value.amount))

    return Kind(f"{amount.name} or percentage", read, show)


def choice(words: tuple[str, ...]) -> Kind:
    """One of a few words, in any case."""
    known = {word.lower(): word for word in words}

    def read(text: str) -> str:
        if text.lower() not in known:
            raise ValueError(f"must be one of {', '.join(words)}")
        return known[text.lower()]

    return Kind(" or ".join(f"`{word}`" for word in words), read)


def read_plain(text: str) -> object:
    """A free value: a boolean, a number or text, as YAML 1.2 and Go agree on them."""
    if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
        return text.lower() == "true"
    if _INTEGER.fullmatch(text) and len(text) < 20:
        return read_integer(text)
    if re.fullmatch(r"[-+]?[0-9]+\.[0-9]+(e[-+]?[0-9]+)?", text):
        return float(text) if math.isfinite(float(text)) else text
    return read_text(text)


BOOLEAN = Kind("boolean", read_boolean)
INTEGER = Kind("integer", read_integer)
TEXT = Kind("text", read_text)

Seconds = Annotated[float, seconds()]
Bytes = Annotated[int, size()]
Count = Annotated[int, integer(at_least=0)]
Positive = Annotated[int, integer(at_least=1)]
Path = Annotated[str, Kind("path", read_line)]
Line = Annotated[str, Kind("text", read_line)]
Password = Annotated[Secret, Kind("secret", Secret, lambda _secret: MASK)]
