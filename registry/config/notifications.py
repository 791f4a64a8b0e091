"""Options of ``notifications``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import attrs

from registry.config.kinds import GoName, Hidden, Line, integer, seconds
from registry.config.net import URL, FieldName, FieldValue


@attrs.frozen(kw_only=True)
class EventOptions:
    """What events tell."""

    includereferences: bool = False
    """Whether the event of a manifest lists what it refers to."""


@attrs.frozen(kw_only=True)
class Ignore:
    """Events that an endpoint is not told of."""

    mediatypes: tuple[Line, ...] = ()
    """By the media type of what they are about."""
    actions: tuple[Line, ...] = ()
    """By what happened: push, pull, mount, delete."""


@attrs.frozen(kw_only=True)
class Endpoint:
    """Somebody who is told what happens."""

    name: Line
    """A name for logs and metrics."""
    url: URL
    """Where events are posted."""
    disabled: bool = False
    """Whether to leave it out."""
    headers: Annotated[Mapping[FieldName, tuple[FieldValue, ...]], Hidden] = (
        attrs.field(factory=dict, repr=False)
    )
    """Headers to send."""
    timeout: Annotated[float, seconds(zero_is=1.0)] = 1.0
    """How long to wait for an answer; 0 means 1s."""
    threshold: Annotated[int, integer(at_least=1, zero_is=10)] = 10
    """How many failures in a row make a pause; 0 means 10."""
    backoff: Annotated[float, seconds(zero_is=1.0)] = 1.0
    """How long the pause is; 0 means 1s."""
    ignoredmediatypes: tuple[Line, ...] = ()
    """The same as `ignore.mediatypes`."""
    ignore: Ignore = attrs.field(factory=Ignore)
    """Events to leave out."""


@attrs.frozen(kw_only=True)
class Notifications:
    """Who is told what happens."""

    events: Annotated[EventOptions, GoName("eventconfig")] = attrs.field(
        factory=EventOptions
    )
    """What events tell."""
    endpoints: tuple[Endpoint, ...] = ()
    """Who is told."""
