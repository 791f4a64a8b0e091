"""Options of ``log``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import attrs

from registry.config.kinds import GoName, Line, Password
from registry.config.net import HostPort

Level = Literal["error", "warn", "info", "debug"]
Formatter = Literal["text", "json", "logstash"]


@attrs.frozen(kw_only=True)
class AccessLog:
    """One line for each request, in Apache's combined format, on standard output."""

    disabled: bool = False
    """Whether to leave it out."""


@attrs.frozen(kw_only=True)
class SMTP:
    """The mail server of a log hook."""

    addr: HostPort | None = None
    """Its address."""
    username: Line | None = None
    """The user to log in as."""
    password: Password | None = None
    """Their password."""
    insecure: bool = False
    """Accepted as Distribution does, which does not use it either."""


@attrs.frozen(kw_only=True)
class MailOptions:
    """What a log hook mails, and to whom."""

    smtp: SMTP = attrs.field(factory=SMTP)
    """The mail server."""
    from_: Line | None = None
    """The sender's address."""
    to: tuple[Line, ...] = ()
    """The receivers' addresses."""


@attrs.frozen(kw_only=True)
class LogHook:
    """Something to do when a line of some level is logged."""

    disabled: bool = False
    """Whether to leave it out."""
    type: Literal["mail"] = "mail"
    """What to do."""
    levels: tuple[Literal["error", "warn", "info", "debug", "fatal", "panic"], ...] = ()
    """The levels to do it for."""
    options: Annotated[MailOptions, GoName("mailoptions")] = attrs.field(
        factory=MailOptions
    )
    """How to do it."""


@attrs.frozen(kw_only=True)
class Log:
    """What is logged, and how. The log goes to standard error."""

    level: Level = "info"
    """The least serious level that is logged; `debug` has a line for each answer."""
    formatter: Formatter = "text"
    """The form of each line."""
    fields: Mapping[str, object] = attrs.field(factory=dict)
    """Fixed fields that are added to every line, nested ones as JSON."""
    accesslog: AccessLog = attrs.field(factory=AccessLog)
    """The access log."""
    reportcaller: bool = False
    """Whether each line has a field `func` with the module that it comes from."""
    hooks: tuple[LogHook, ...] = ()
    """Things to do when a line is logged."""
