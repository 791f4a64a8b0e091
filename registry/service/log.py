"""The log of the process: what twisted.logger is told, one line for each event.

Where a line goes and how it looks is the operator's choice (``log.*``). Two things are
not: no secret is written, and no text from outside can make a line of its own.
Twisted's own remarks about ports and factories are kept for level ``debug``.

Read next: ``log_format.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import IO, Literal

from twisted.logger import (
    ILogObserver,
    LogBeginner,
    LogEvent,
    LogLevel,
    formatEvent,
    globalLogBeginner,
)
from twisted.python.failure import Failure
from twisted.python.reflect import safe_str
from zope.interface import implementer

from registry.config.log import Log
from registry.config.secret import is_secret_name
from registry.service.log_format import FORMATS, Entry

Level = Literal["error", "warn", "info", "debug"]
Formatter = Literal["text", "json", "logstash"]

MASK = "***"

_DEEPEST = 32
"""Lists and mappings inside each other that are still shown as such."""

_RANKS = {"debug": 0, "info": 1, "warn": 2, "error": 3, "critical": 3}
_SECRET_TEXT = re.compile(
    r"(?<=://)[^/\s@]+(?=@)"
    r"|(?<=Basic )[A-Za-z0-9+/=]{16,}"
    r"|(?<=Bearer )[A-Za-z0-9._~+/=-]{16,}"
    r"|(?<=_state=)[^&\s\"']+"
)
_LEGACY = frozenset(
    {
        *("message", "time", "system", "isError", "failure", "why", "format"),
        *("printed", "eventSource", "eventType", "protocol"),
    }
)
"""Keys that ``twisted.python.log`` adds to an event; they say nothing new."""


@implementer(ILogObserver)
class LogObserver:
    """Writes events that are at least as serious as ``level`` to ``stream``.

    ``fields`` are added to every line, and with ``reports_caller`` the field ``func``:
    the part of the program that speaks, which is what twisted.logger knows of a caller.
    Safe to call from any thread: a line is one write.
    """

    def __init__(
        self,
        *,
        stream: IO[str],
        level: Level = "info",
        formatter: Formatter = "text",
        fields: Mapping[str, object] | None = None,
        reports_caller: bool = False,
    ) -> None:
        self._stream = stream
        self._adopt(level, formatter, fields or {}, reports_caller)

    def adopt(self, options: Log) -> None:
        """Write as ``options`` say from now on."""
        self._adopt(
            options.level, options.formatter, options.fields, options.reportcaller
        )

    def _adopt(
        self,
        level: Level,
        formatter: Formatter,
        fields: Mapping[str, object],
        reports_caller: bool,
    ) -> None:
        self._least = _RANKS[level]
        self._format = FORMATS[formatter]
        self._fields = {key: _shown(key, value) for key, value in fields.items()}
        self._reports_caller = reports_caller

    def __call__(self, event: LogEvent) -> None:
        """Write ``event``, if it is serious enough."""
        rank = _rank(event)
        if rank < self._least:
            return
        fixed = self._fields
        if self._reports_caller:
            fixed = {**fixed, "func": event.get("log_namespace") or "unknown"}
        entry = _entry(event, rank, fixed)
        if entry is not None:
            self._stream.write(self._format(entry))
            self._stream.flush()


def start_logging(
    observer: ILogObserver, *, beginner: LogBeginner = globalLogBeginner
) -> None:
    """Send the process's events to ``observer``, also those from before.

    For once in a process's life. Standard output stays what it is, for the access log.
    """
    beginner.beginLoggingTo([observer], redirectStandardIO=False)


def _rank(event: LogEvent) -> int:
    level = event.get("log_level") or LogLevel.info
    if level is LogLevel.info and _is_chatter(event):
        return _RANKS["debug"]
    return _RANKS[level.name]


def _is_chatter(event: LogEvent) -> bool:
    """Whether Twisted itself speaks, of ports and factories and reactors."""
    namespace = event.get("log_namespace") or ""
    return namespace == "log_legacy" or namespace.startswith("twisted.")


def _entry(event: LogEvent, rank: int, fixed: Mapping[str, object]) -> Entry | None:
    """What a line says; None for an event without words."""
    failure = event.get("log_failure")
    message = formatEvent(event)
    fields = dict(fixed)
    for key, value in event.items():
        if not key.startswith("log_") and key not in _LEGACY:
            fields[key] = _shown(key, value)
    traceback = None
    if isinstance(failure, Failure):
        error = f"{_type_name(failure)}: {safe_str(failure.value)}"
        message = message or error
        fields["error"] = _masked(error)
        if rank == _RANKS["error"]:
            traceback = _masked(failure.getTraceback())
    if not message:
        return None
    return Entry(
        time=event.get("log_time", 0.0),
        level=("debug", "info", "warning", "error")[rank],
        message=_masked(message),
        fields=fields,
        traceback=traceback,
    )


def _type_name(failure: Failure) -> str:
    return type(failure.value).__name__


def _plain(value: object, depth: int = 0) -> object:
    """``value`` as JSON can hold it, without secrets in it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {str(key): _shown(key, inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple) and depth < _DEEPEST:
        return [_plain(inner, depth + 1) for inner in value]
    return _masked(value if isinstance(value, str) else safe_str(value))


def _shown(key: object, value: object, depth: int = 0) -> object:
    """The value of a field, unless its name says that it is a secret."""
    return MASK if is_secret_name(str(key)) else _plain(value, depth)


def _masked(text: str) -> str:
    return _SECRET_TEXT.sub(MASK, text)
