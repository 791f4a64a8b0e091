"""The kinds of health check that a configuration can ask for.

Source: Distribution ``health/checks``; the names are Distribution's too.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import cast
from urllib.parse import unquote, urlsplit

import attrs
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import (
    IReactorPluggableNameResolver,
    IReactorTCP,
    IReactorTime,
    ITCPTransport,
)
from twisted.internet.protocol import Factory, Protocol

from registry.repository.quarantine import Quarantine
from registry.repository.room import Room
from registry.service.health import Check, CheckFailed
from registry.storage.driver import Driver, StorageGone
from registry.storage.guard import RootGuard
from registry.storage.workers import Workers

ROOT_INTERVAL = 1.0
"""Seconds between two looks at the storage root; one costs a system call."""


class NetworkReactor(IReactorTCP, IReactorTime, IReactorPluggableNameResolver):
    """The abilities of a reactor that checks over a network need."""


@attrs.frozen(kw_only=True)
class Rhythm:
    """When to look, and how often it must fail. ``timeout`` 0 means the interval."""

    interval: float = 10.0
    timeout: float = 0.0
    threshold: int = 1


def storage_check(*, driver: Driver, kind: str, rhythm: Rhythm) -> Check:
    """Whether the storage answers; ``kind`` is its name in the configuration."""
    return _check(f"storagedriver_{kind}", driver.probe, rhythm)


def room_check(*, room: Room) -> Check:
    """Whether the disk has more free than the reserve; if not, only pushes suffer."""

    async def probe() -> None:
        await room.measure()
        shortage = room.shortage
        if shortage is not None:
            raise CheckFailed(shortage)

    return Check(name="storage_room", probe=probe, interval=2.0, only_degrades=True)


def damage_check(*, quarantine: Quarantine) -> Check:
    """Whether content is missing that was damaged; only its pulls suffer."""

    async def probe() -> None:
        concern = quarantine.concern()
        if concern is not None:
            raise CheckFailed(concern)

    return Check(name="damaged_content", probe=probe, only_degrades=True)


def root_check(*, guard: RootGuard, workers: Workers) -> Check:
    """Whether the storage root is the one that was opened.

    What it says, anybody may read: it names no path.
    """

    async def probe() -> None:
        try:
            await workers.run(guard)
        except StorageGone:
            raise CheckFailed(
                "the storage root is not the one that was opened; put it back, or mount"
                " it and restart the registry; nothing is written until then"
            ) from None

    return Check(name="storage_root", probe=probe, interval=ROOT_INTERVAL, timeout=10.0)


def file_check(*, path: str, workers: Workers, rhythm: Rhythm) -> Check:
    """Whether there is no file at ``path``: the operator makes one to end service."""

    async def probe() -> None:
        if await workers.run(_exists, path):
            raise CheckFailed(f"the file exists; remove {path} to go on serving")

    return _check(path, probe, rhythm)


def http_check(
    *,
    url: str,
    reactor: NetworkReactor,
    status: int = 200,
    headers: Mapping[str, Sequence[str]] | None = None,
    rhythm: Rhythm,
) -> Check:
    """Whether a HEAD of ``url`` is answered with ``status``, redirects followed."""
    # imported here, so that a registry without such a check starts sooner
    from treq.client import HTTPClient  # noqa: PLC0415
    from twisted.web.client import Agent, HTTPConnectionPool  # noqa: PLC0415
    from twisted.web.http_headers import Headers  # noqa: PLC0415

    pool = HTTPConnectionPool(reactor, persistent=False)
    seconds = rhythm.timeout or rhythm.interval
    client = HTTPClient(Agent(reactor, connectTimeout=seconds, pool=pool))
    wanted = Headers({name: list(values) for name, values in (headers or {}).items()})
    place, user = _without_user(url), _user(url)

    async def probe() -> None:
        response = await client.head(place, headers=wanted, auth=user)
        if response.code != status:
            raise CheckFailed(f"answered {response.code} instead of {status}")

    return _check(place.partition("?")[0], probe, rhythm)


def tcp_check(
    *, host: str, port: int, reactor: NetworkReactor, rhythm: Rhythm
) -> Check:
    """Whether something accepts connections at ``host`` and ``port``."""
    seconds = rhythm.timeout or rhythm.interval
    endpoint = HostnameEndpoint(reactor, host, port, timeout=seconds)

    async def probe() -> None:
        await endpoint.connect(Factory.forProtocol(_Greeting))

    shown = f"[{host}]" if ":" in host else host
    return _check(f"{shown}:{port}", probe, rhythm)


def _check(name: str, probe: Callable[[], Awaitable[None]], rhythm: Rhythm) -> Check:
    return Check(
        name=name,
        probe=probe,
        interval=rhythm.interval,
        timeout=rhythm.timeout or rhythm.interval,
        threshold=rhythm.threshold,
    )


class _Greeting(Protocol):
    """Leaves as soon as it is connected."""

    def connectionMade(self) -> None:
        cast(ITCPTransport, self.transport).abortConnection()


def _exists(path: str) -> bool:
    """Whether something is at ``path``. Raises OSError if that cannot be told."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _without_user(url: str) -> str:
    """``url`` without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _user(url: str) -> tuple[str, str] | None:
    """User and password in ``url``, which are for an Authorization header."""
    parts = urlsplit(url)
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")
