"""The appliance: everything built from one configuration, started and stopped.

This is the composition root. No other module builds what it needs, and nothing is
global: to see who uses whom, read ``start`` from top to bottom.

Order at start: threads, storage and its lock, the registry, checks, listeners. At stop:
the reverse, so that nothing is taken away from under a request.
"""

from __future__ import annotations

import uuid

from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.web.resource import Resource

from registry.config.schema import Configuration
from registry.repository.registry import build_registry
from registry.service.endpoints import build_endpoints
from registry.service.reactor import RegistryReactor
from registry.service.rules import reference_rules
from registry.service.storage import describe_storage, open_storage, worker_threads
from registry.storage.lock import HeldRoot
from registry.storage.readahead import ReadAhead
from registry.storage.workers import WorkerPool
from registry.web.api import Api
from registry.web.limits import Limits
from registry.web.response import header_lines
from registry.web.site import Exposure, Site
from registry.web.tree import Tree


class App:
    """A registry that listens."""

    def __init__(self, *, config: Configuration, reactor: RegistryReactor) -> None:
        self._config = config
        self._reactor = reactor
        self._workers = WorkerPool(reactor=reactor, threads=worker_threads(config))
        self._held: HeldRoot | None = None
        self._site: Site | None = None
        self._ports: list[IListeningPort] = []
        self._log = Logger()

    async def start(self) -> None:
        """Open the storage and listen. Raises StorageFailure or ListenFailed."""
        config = self._config
        self._workers.start()
        driver, self._held = open_storage(config, workers=self._workers)
        self._driver = driver
        registry = build_registry(
            driver=driver,
            rules=reference_rules(config.validation),
            clock=self._reactor,
            new_id=lambda: str(uuid.uuid4()),
            cache_bytes=config.storage.cache.size,
        )
        api = Api(
            endpoints=build_endpoints(config, registry=registry, authenticator=None),
            authenticator=None,
            ailments=dict,
            prefix=config.http.prefix or "/",
            is_readonly=config.storage.maintenance.readonly.enabled,
        )
        self._site = Site(
            api=api,
            tree=Tree(root=Resource()),
            exposure=_exposure(config),
            limits=_limits(config),
            reactor=self._reactor,
            read_ahead=ReadAhead(workers=self._workers),
            trusted=config.http.trustedproxies,
        )
        self._site.start()
        endpoint = serverFromString(self._reactor, config.http.listen.endpoint)
        self._ports.append(await endpoint.listen(self._site))
        self._log.info("stores in {where}", where=describe_storage(config))

    async def stop(self) -> None:
        """Stop listening, let go of connections, storage and threads."""
        for port in self._ports:
            await port.stopListening()
        if self._site is not None:
            self._site.stop()
        await self._driver.close()
        self._workers.stop()
        if self._held is not None:
            self._held.close()


def _exposure(config: Configuration) -> Exposure:
    headers = [
        (name, value)
        for name, values in config.http.headers.items()
        for value in values
    ]
    return Exposure(
        prefix=(config.http.prefix or "/").encode("ascii"),
        headers=header_lines(*headers),
    )


def _limits(config: Configuration) -> Limits:
    limits, timeouts = config.http.limits, config.http.timeouts
    return Limits(
        head=limits.header,
        headers=limits.headers,
        target=limits.url,
        head_timeout=timeouts.header or FOREVER,
        idle_timeout=timeouts.idle or FOREVER,
        body_timeout=timeouts.body or FOREVER,
        send_timeout=timeouts.send or FOREVER,
    )


FOREVER = float("inf")
"""Seconds of a wait that the configuration leaves open."""
