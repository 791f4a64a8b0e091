"""How a line of the log looks: text as logrus writes it, JSON, or logstash's JSON.

Every character that is not printable is escaped, so a name or an error text from
outside can neither begin a line nor steer a terminal.

Source: logrus TextFormatter and JSONFormatter; logstash's ``@version`` 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import attrs


@attrs.frozen(kw_only=True)
class Entry:
    """What a line says. ``time`` is in seconds since 1970."""

    time: float
    level: str
    message: str
    fields: Mapping[str, object]
    traceback: str | None = None


_BARE = re.compile(r"[A-Za-z0-9._/@^+-]+")


def as_text(entry: Entry) -> str:
    """``time="…" level=… msg="…" key=value``; a traceback follows, indented."""
    parts = [
        f'time="{_timestamp(entry.time)}"',
        f"level={entry.level}",
        f"msg={_quoted(entry.message)}",
    ]
    reserved = ("time", "level", "msg")
    for key, value in sorted(_fields(entry, reserved).items()):
        parts.append(f"{_escaped(key)}={_quoted(_word(value))}")
    lines = [" ".join(parts)]
    if entry.traceback is not None:
        lines += [f"    {_escaped(one)}" for one in entry.traceback.splitlines()]
    return "\n".join(lines) + "\n"


def as_json(entry: Entry) -> str:
    """One object a line, with ``time``, ``level``, ``msg`` and the fields."""
    said: dict[str, object] = {
        "time": _timestamp(entry.time),
        "level": entry.level,
        "msg": entry.message,
    }
    return _object(said, entry)


def as_logstash(entry: Entry) -> str:
    """One object a line, with the names that logstash expects."""
    said: dict[str, object] = {
        "@timestamp": _timestamp(entry.time),
        "@version": "1",
        "level": entry.level,
        "message": entry.message,
        "type": "registry",
    }
    return _object(said, entry)


FORMATS: Mapping[str, Callable[[Entry], str]] = {
    "text": as_text,
    "json": as_json,
    "logstash": as_logstash,
}
"""The formats by their names in ``log.formatter``."""


def _object(said: dict[str, object], entry: Entry) -> str:
    said |= _fields(entry, tuple(said))
    if entry.traceback is not None:
        said["traceback"] = entry.traceback
    return json.dumps(said, default=str) + "\n"


def _fields(entry: Entry, reserved: tuple[str, ...]) -> dict[str, object]:
    """The fields; one that is named like a part of every line is renamed."""
    return {
        f"fields.{key}" if key in reserved else key: value
        for key, value in entry.fields.items()
    }


def _timestamp(seconds: float) -> str:
    """RFC 3339, in UTC, to the millisecond."""
    when = datetime.fromtimestamp(seconds, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _quoted(text: str) -> str:
    if _BARE.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_escaped(escaped)}"'


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    code = ord(character)
    if short is not None:
        return short
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
