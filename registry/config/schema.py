"""Every option: one frozen class for each section, documented where it is declared.

What stands under an option is its documentation; ``docs/configuration.md`` is made
from it. Durations are seconds, sizes are bytes. A value of these classes is valid; what
makes one from a file is ``load.py``.
"""

from __future__ import annotations

from typing import Annotated, Literal

import attrs

from registry.config.auth import Auth
from registry.config.errors import Problem
from registry.config.health import Health
from registry.config.http import HTTP
from registry.config.kinds import Kind, integer, read_integer
from registry.config.log import Log
from registry.config.middleware import Middleware
from registry.config.notifications import Notifications
from registry.config.proxy import Proxy
from registry.config.redis import Redis
from registry.config.shape import NOT_AN_OPTION
from registry.config.storage import Storage
from registry.config.validation import Validation

ENTRIES = 1000
"""Entries of a page of a listing, where the configuration says nothing."""


def _entries(text: str) -> int:
    number = read_integer(text)
    return number if number > 0 else ENTRIES


@attrs.frozen(kw_only=True)
class Catalog:
    """The list of repositories."""

    maxentries: Annotated[int, Kind("integer", _entries)] = ENTRIES
    """The most entries of one page; 0 and less mean 1000."""


@attrs.frozen(kw_only=True)
class Tags:
    """The lists of tags."""

    maxtags: Annotated[int, integer(at_least=0, zero_is=ENTRIES)] = ENTRIES
    """The most entries of one page; 0 means 1000."""


@attrs.frozen(kw_only=True)
class RepositoryPolicy:
    """What repositories may hold."""

    classes: tuple[Literal["image", "plugin"], ...] = ()
    """The classes of content that may be pushed; all, without any."""


@attrs.frozen(kw_only=True)
class Policy:
    """Rules about content."""

    repository: RepositoryPolicy = attrs.field(factory=RepositoryPolicy)
    """Repositories."""


@attrs.frozen(kw_only=True)
class Configuration:
    """The options of a registry."""

    version: Literal["0.1"]
    """The version of the configuration's form: always `0.1`."""
    log: Log = attrs.field(factory=Log)
    """What is logged."""
    storage: Storage
    """Where content rests."""
    auth: Auth = attrs.field(factory=Auth)
    """Who may do something."""
    middleware: Middleware = attrs.field(factory=Middleware)
    """Things put between the parts of the registry."""
    http: HTTP = attrs.field(factory=HTTP)
    """How the registry is reached."""
    notifications: Notifications = attrs.field(factory=Notifications)
    """Who is told what happens."""
    redis: Redis = attrs.field(factory=Redis)
    """A Redis server."""
    health: Health = attrs.field(factory=Health)
    """Checks that run all the time."""
    catalog: Catalog = attrs.field(factory=Catalog)
    """The list of repositories."""
    tags: Tags = attrs.field(factory=Tags)
    """The lists of tags."""
    proxy: Proxy = attrs.field(factory=Proxy)
    """A mirror of another registry."""
    validation: Validation = attrs.field(factory=Validation)
    """What is checked when a manifest is pushed."""
    policy: Policy = attrs.field(factory=Policy)
    """Rules about content."""

    source: str = attrs.field(default="", eq=False, metadata={NOT_AN_OPTION: True})
    """The file that the options come from."""
    warnings: tuple[Problem, ...] = attrs.field(
        default=(), eq=False, metadata={NOT_AN_OPTION: True}
    )
    """What the operator should know; to be logged at start."""
