"""Options of ``proxy``."""

from __future__ import annotations

import attrs

from registry.config.kinds import Line, Password, Seconds
from registry.config.net import URL


@attrs.frozen(kw_only=True)
class CredentialHelper:
    """A program that knows the credentials, as docker's credential helpers do."""

    command: Line | None = None
    """The program."""
    lifetime: Seconds | None = None
    """How long its answer is used; without it, as long as the registry runs."""


@attrs.frozen(kw_only=True)
class Proxy:
    """A registry that is a mirror of another."""

    remoteurl: URL | None = None
    """The other registry. Without it, this is not a mirror."""
    username: Line | None = None
    """The user to log in as."""
    password: Password | None = None
    """Their password."""
    exec: CredentialHelper = attrs.field(factory=CredentialHelper)
    """A program that knows the credentials."""
    ttl: Seconds = 168 * 3600.0
    """How long content is kept; 0 means for ever."""
    cachewritetimeout: Seconds = 300.0
    """How long writing to the cache may take."""
