"""The health checks that a configuration asks for."""

from __future__ import annotations

from registry.config.health import Health as HealthOptions
from registry.repository.registry import Registry
from registry.service.checks import (
    NetworkReactor,
    Rhythm,
    damage_check,
    file_check,
    http_check,
    room_check,
    root_check,
    storage_check,
    tcp_check,
)
from registry.service.health import Check
from registry.storage.driver import Driver
from registry.storage.guard import RootGuard
from registry.storage.workers import Workers


def build_checks(
    options: HealthOptions,
    *,
    driver: Driver,
    guard: RootGuard | None,
    kind: str,
    workers: Workers,
    registry: Registry,
    reactor: NetworkReactor,
) -> list[Check]:
    """The checks; ``kind`` is the storage driver's name in the configuration.

    Those of ``registry`` are there always, and whether the root is still there is
    looked at in any case, if there is a ``guard``.
    """
    checks: list[Check] = [
        room_check(room=registry.room),
        damage_check(quarantine=registry.quarantine),
    ]
    if guard is not None:
        checks.append(root_check(guard=guard, workers=workers))
    storage = options.storagedriver
    if storage.enabled:
        rhythm = Rhythm(interval=storage.interval, threshold=storage.threshold)
        checks.append(storage_check(driver=driver, kind=kind, rhythm=rhythm))
    checks += [
        file_check(
            path=file.file, workers=workers, rhythm=Rhythm(interval=file.interval)
        )
        for file in options.file
    ]
    for http in options.http:
        checks.append(
            http_check(
                url=http.uri,
                reactor=reactor,
                status=http.statuscode,
                headers=http.headers,
                rhythm=Rhythm(
                    interval=http.interval,
                    timeout=http.timeout,
                    threshold=http.threshold,
                ),
            )
        )
    for tcp in options.tcp:
        host, _, port = tcp.addr.rpartition(":")
        rhythm = Rhythm(
            interval=tcp.interval, timeout=tcp.timeout, threshold=tcp.threshold
        )
        checks.append(
            tcp_check(
                host=host.strip("[]") or "localhost",
                port=int(port),
                reactor=reactor,
                rhythm=rhythm,
            )
        )
    return checks
