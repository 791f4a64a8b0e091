"""Options of ``health``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import attrs

from registry.config.kinds import Count, GoName, Hidden, Path, integer, seconds
from registry.config.net import URL, FieldName, FieldValue, HostPort

Interval = Annotated[float, seconds(zero_is=10.0)]


@attrs.frozen(kw_only=True)
class StorageCheck:
    """Whether the storage answers."""

    enabled: bool = False
    """Whether to look."""
    interval: Interval = 10.0
    """How often to look; 0 means 10s."""
    threshold: Count = 0
    """How many failures in a row make the registry unhealthy; 0 means one."""


@attrs.frozen(kw_only=True)
class FileCheck:
    """Unhealthy as long as a file exists, to take a registry out of service by hand."""

    file: Path
    """The file."""
    interval: Interval = 10.0
    """How often to look; 0 means 10s."""
    threshold: Count = 0
    """Accepted as Distribution does, which does not use it either."""


@attrs.frozen(kw_only=True)
class HTTPCheck:
    """Whether a URL answers HEAD."""

    uri: URL
    """The URL."""
    headers: Annotated[Mapping[FieldName, tuple[FieldValue, ...]], Hidden] = (
        attrs.field(factory=dict, repr=False)
    )
    """Headers to send."""
    statuscode: Annotated[int, integer(at_least=100, at_most=599, zero_is=200)] = 200
    """The status that is expected."""
    timeout: Annotated[float, seconds()] = 0.0
    """How long to wait for it; 0 means as long as the interval."""
    interval: Interval = 10.0
    """How often to ask; 0 means 10s."""
    threshold: Count = 0
    """How many failures in a row make the registry unhealthy; 0 means one."""


@attrs.frozen(kw_only=True)
class TCPCheck:
    """Whether an address takes connections."""

    addr: HostPort
    """The address."""
    timeout: Annotated[float, seconds()] = 0.0
    """How long to wait for it; 0 means as long as the interval."""
    interval: Interval = 10.0
    """How often to try; 0 means 10s."""
    threshold: Count = 0
    """How many failures in a row make the registry unhealthy; 0 means one."""


@attrs.frozen(kw_only=True)
class Health:
    """Checks that run all the time.

    While one fails, every request of the API is answered 503. `/` and `/healthz` are
    not of the API; `/healthz` is answered 503 too, and says what fails.
    """

    storagedriver: StorageCheck = attrs.field(factory=StorageCheck)
    """The storage."""
    file: Annotated[tuple[FileCheck, ...], GoName("filecheckers")] = ()
    """Files that must not exist."""
    http: Annotated[tuple[HTTPCheck, ...], GoName("httpcheckers")] = ()
    """URLs that must answer."""
    tcp: Annotated[tuple[TCPCheck, ...], GoName("tcpcheckers")] = ()
    """Addresses that must take connections."""
