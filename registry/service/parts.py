"""What does the registry's work, put together: storage, repositories, checks, numbers.

Read next: ``storage.py``, ``endpoints.py``, ``watch.py``.
"""

from __future__ import annotations

import time
import uuid

import attrs

from registry import __version__
from registry.config.schema import Configuration
from registry.repository.registry import Registry, build_registry
from registry.service.certificates import CertificateNumbers
from registry.service.damage_numbers import DamageNumbers
from registry.service.endpoints import build_endpoints, name_limits
from registry.service.exposure import NONE, exposure
from registry.service.health import Check, Health
from registry.service.metrics import Metrics
from registry.service.reactor import RegistryReactor
from registry.service.rules import reference_rules
from registry.service.storage import (
    OpenStorage,
    open_storage,
    own_secret,
    storage_kind,
    storage_reserve,
)
from registry.service.storage_numbers import StorageNumbers
from registry.service.timed import TimedDriver
from registry.service.tls import CurrentContext
from registry.service.watch import build_checks
from registry.storage.driver import Driver
from registry.storage.workers import Workers
from registry.web.api import Api
from registry.web.claims import Claims


@attrs.frozen(kw_only=True)
class Parts:
    """The parts of one registry. ``tls`` is there if it speaks TLS."""

    driver: Driver
    storage: OpenStorage
    registry: Registry
    health: Health
    metrics: Metrics
    tls: CurrentContext | None
    workers: Workers
    reactor: RegistryReactor
    own_secret: bytes = attrs.field(repr=False)
    """What signs upload sessions where ``http.secret`` says nothing."""

    claims: Claims = attrs.field(factory=Claims)
    """Who wants which upload session, whatever the configuration says."""

    def api(self, config: Configuration) -> Api:
        """The API as ``config`` has it."""
        return Api(
            endpoints=build_endpoints(
                config,
                registry=self.registry,
                authenticator=None,
                own_secret=self.own_secret,
                claims=self.claims,
            ),
            authenticator=None,
            ailments=self.health.ailments,
            prefix=config.http.prefix or "/",
            is_readonly=config.storage.maintenance.readonly.enabled,
            name_limits=name_limits(config),
        )

    def checks(self, config: Configuration) -> list[Check]:
        """The health checks that ``config`` asks for."""
        return build_checks(
            config.health,
            driver=self.driver,
            guard=self.storage.guard,
            kind=storage_kind(config),
            workers=self.workers,
            registry=self.registry,
            reactor=self.reactor,
        )

    def adopt(self, config: Configuration) -> None:
        """Go by the rules of ``config`` from now on."""
        registry, limits = self.registry, config.http.limits
        registry.room.reserve = storage_reserve(config)
        registry.verified.age = config.storage.maintenance.verification.age
        registry.begun.bound(
            limits.uploads or NONE, limits.uploadsperrepository or NONE
        )
        registry.manifests.rule_by(
            reference_rules(config.validation),
            json_depth=config.validation.manifests.depthlimit,
        )


def build_parts(
    config: Configuration,
    *,
    tls: CurrentContext | None,
    workers: Workers,
    reactor: RegistryReactor,
) -> Parts:
    """The parts, on the storage of ``config``, which this takes hold of.

    Raises StorageFailure.
    """
    storage = open_storage(config, workers=workers)
    driver = TimedDriver(driver=storage.driver, now=time.perf_counter)
    registry = _registry(config, driver=driver, workers=workers, reactor=reactor)
    parts = Parts(
        driver=driver,
        storage=storage,
        registry=registry,
        health=Health(checks=[], clock=reactor),
        metrics=_metrics(config, driver=driver, registry=registry, tls=tls),
        tls=tls,
        workers=workers,
        reactor=reactor,
        own_secret=own_secret(config),
    )
    parts.adopt(config)
    parts.health.replace(parts.checks(config))
    return parts


def _registry(
    config: Configuration,
    *,
    driver: Driver,
    workers: Workers,
    reactor: RegistryReactor,
) -> Registry:
    """One that goes by rules of its own until ``Parts.adopt``."""
    cache = config.storage.cache
    is_limited = cache.blobdescriptor == "inmemory"
    return build_registry(
        driver=driver,
        workers=workers,
        rules=reference_rules(config.validation),
        clock=reactor,
        new_id=lambda: str(uuid.uuid4()),
        cache_bytes=cache.size,
        entries=cache.blobdescriptorsize if is_limited else None,
    )


def _metrics(
    config: Configuration,
    *,
    driver: TimedDriver,
    registry: Registry,
    tls: CurrentContext | None,
) -> Metrics:
    storage = StorageNumbers(
        driver=storage_kind(config), seconds=driver.seconds, room=registry.room
    )
    damage = DamageNumbers(quarantine=registry.quarantine)
    certificate = CertificateNumbers(period=lambda: tls.period if tls else None)
    return Metrics(
        version=__version__,
        prefix=exposure(config).prefix,
        cache=lambda: registry.blobs.descriptors,
        others=[storage, damage, certificate],
    )
