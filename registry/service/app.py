"""The appliance: everything built from one configuration, started and stopped.

This is the composition root. No other module builds what it needs, and nothing is
global: to see who uses whom, read ``App.start`` and what it calls from top to bottom.

Order at start: threads, storage and its lock, the registry, checks, listeners, jobs. At
stop: nothing is taken away from under a request or a job that still runs.

Read next: ``storage.py``, ``endpoints.py``, ``listeners.py``.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping

from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger

from registry import __version__
from registry.config.schema import Configuration
from registry.maintenance.schedule import Schedule
from registry.repository.registry import Registry, build_registry
from registry.service.access import AccessLog
from registry.service.debug import make_debug_root, make_root
from registry.service.descriptors import raise_descriptor_limit
from registry.service.endpoints import build_endpoints, name_limits
from registry.service.exposure import NONE, channel_limits, exposure
from registry.service.health import Health
from registry.service.jobs import jobs
from registry.service.lines import LineWriter
from registry.service.listeners import Listener, listen
from registry.service.metrics import Metrics
from registry.service.notify import Notifier
from registry.service.passed import address_for
from registry.service.reactor import RegistryReactor
from registry.service.requestlog import RequestLog
from registry.service.rules import reference_rules
from registry.service.storage import (
    describe_storage,
    open_storage,
    storage_kind,
    worker_threads,
)
from registry.service.tls import CurrentContext, load_context
from registry.service.watch import build_checks
from registry.storage.driver import Driver
from registry.storage.lock import HeldRoot
from registry.storage.readahead import ReadAhead
from registry.storage.workers import WorkerPool
from registry.web.api import Api
from registry.web.site import Observer, Responder, Site
from registry.web.tls_transport import TLSSite
from registry.web.tree import Tree

STDOUT = 1
"""The descriptor of the access log; twistd puts something else in ``sys.stdout``."""

STEP = 0.05
"""Seconds between looks at whether the last request has been answered."""

TIDYING = 5.0
"""Seconds that requests without clients get to leave their files in order."""


class App:
    """A registry: built by ``start``, taken apart by ``stop``."""

    def __init__(
        self, *, config: Configuration, reactor: RegistryReactor, notifier: Notifier
    ) -> None:
        self._config = config
        self._reactor = reactor
        self._notifier = notifier
        self._workers = WorkerPool(reactor=reactor, threads=worker_threads(config))
        self._schedule = Schedule(clock=reactor, random=random.random)
        self._lines: LineWriter | None = None
        self._driver: Driver | None = None
        self._held: HeldRoot | None = None
        self._health: Health | None = None
        self._sites: list[Site] = []
        self._listeners: list[Listener] = []
        self._is_hurried = False
        self._log = Logger()

    async def start(self) -> None:
        """Open the storage and listen.

        Raises StorageFailure, TLSRefused or ListenFailed, each with what to do.
        """
        config = self._config
        tls = self._tls()
        raise_descriptor_limit()
        self._workers.start()
        driver, self._held = open_storage(config, workers=self._workers)
        self._driver = driver
        health = self._health = Health(
            checks=build_checks(
                config.health,
                driver=driver,
                kind=storage_kind(config),
                workers=self._workers,
                reactor=self._reactor,
            ),
            clock=self._reactor,
        )
        metrics = Metrics(version=__version__, prefix=exposure(config).prefix)
        registry = self._registry(driver)
        api = self._api(registry, health)
        tree = Tree(root=make_root(ailments=health.ailments, api=self._api_path))
        site = self._site(api, tree, [metrics, *self._logs()])
        health.start()
        await self._listen_for_operator(site, metrics, health)
        factory: Factory = site
        if tls is not None:
            factory = TLSSite(site=site, connect=tls.connect)
        listener = await listen(
            address=address_for(config.http, reactor=self._reactor),
            factory=factory,
            reactor=self._reactor,
            is_secure=tls is not None,
        )
        self._listeners.append(listener)
        for job in jobs(config, registry=registry, clock=self._reactor):
            self._schedule.add(job)
        self._announce(listener)

    # Parts.

    def _tls(self) -> CurrentContext | None:
        tls = self._config.http.tls
        if tls.certificate is None or tls.key is None:
            return None
        context = load_context(
            certificate=tls.certificate,
            key=tls.key,
            minimum=tls.minimumtls,
            suites=tls.ciphersuites,
        )
        return CurrentContext(context=context)

    def _registry(self, driver: Driver) -> Registry:
        cache, limits = self._config.storage.cache, self._config.http.limits
        is_limited = cache.blobdescriptor == "inmemory"
        return build_registry(
            driver=driver,
            workers=self._workers,
            rules=reference_rules(self._config.validation),
            clock=self._reactor,
            new_id=lambda: str(uuid.uuid4()),
            cache_bytes=cache.size,
            entries=cache.blobdescriptorsize if is_limited else None,
            begun_limit=limits.uploads or NONE,
            begun_share=limits.uploadsperrepository or NONE,
            json_depth=self._config.validation.manifests.depthlimit,
        )

    def _api(self, registry: Registry, health: Health) -> Api:
        config = self._config
        return Api(
            endpoints=build_endpoints(config, registry=registry, authenticator=None),
            authenticator=None,
            ailments=health.ailments,
            prefix=config.http.prefix or "/",
            is_readonly=config.storage.maintenance.readonly.enabled,
            name_limits=name_limits(config),
        )

    def _logs(self) -> list[Observer]:
        """What writes a line for each answer."""
        log = self._config.log
        logs: list[Observer] = [RequestLog()] if log.level == "debug" else []
        if not log.accesslog.disabled:
            self._lines = LineWriter(descriptor=STDOUT, clock=self._reactor)
            logs.append(AccessLog(lines=self._lines))
        return logs

    def _site(self, api: Responder, tree: Tree, observers: list[Observer]) -> Site:
        site = Site(
            api=api,
            tree=tree,
            exposure=exposure(self._config),
            limits=channel_limits(self._config),
            reactor=self._reactor,
            read_ahead=ReadAhead(workers=self._workers),
            trusted=self._config.http.trustedproxies,
            told_by=self._config.http.proxyheader.lower().encode("ascii"),
            observers=observers,
        )
        site.start()
        self._sites.append(site)
        return site

    async def _listen_for_operator(
        self, public: Site, metrics: Metrics, health: Health
    ) -> None:
        """Open ``http.debug.addr``, if there is one, with no API on it."""
        debug = self._config.http.debug
        if debug.listen is None:
            return

        def numbers() -> Mapping[str, object]:
            return {"version": __version__, "connections": public.connections}

        root = make_debug_root(
            ailments=health.ailments,
            numbers=numbers,
            render_metrics=metrics.render if debug.prometheus.enabled else None,
            metrics_path=debug.prometheus.path,
            workers=self._workers,
        )
        site = Site(
            api=None,
            tree=Tree(root=root),
            exposure=exposure(self._config),
            limits=channel_limits(self._config),
            reactor=self._reactor,
            read_ahead=ReadAhead(workers=self._workers),
        )
        site.start()
        self._sites.append(site)
        listener = await listen(
            address=debug.listen,
            factory=site,
            reactor=self._reactor,
            option="http.debug.addr",
        )
        self._listeners.append(listener)
        self._log.info("the operator's pages are at {url}", url=listener.url)

    @property
    def _api_path(self) -> str:
        return f"{self._config.http.prefix or '/'}v2/"

    def _announce(self, listener: Listener) -> None:
        config = self._config
        for warning in config.warnings:
            self._log.warn("{warning}", warning=warning)
        self._log.info(
            "registry {version} listens on {url}{path}, configured by {source}",
            version=__version__,
            url=listener.url,
            path=self._api_path,
            source=config.source,
        )
        self._log.info("it stores in {where}", where=describe_storage(config))
        taken, wanted = channel_limits(config).connections, config.http.limits
        if taken < wanted.connections:
            self._log.warn(
                "it takes {taken:g} connections at once and not {wanted}, for want of"
                " file descriptors; raise LimitNOFILE or ulimit -n, or lower"
                " http.limits.connections",
                taken=taken,
                wanted=wanted.connections,
            )
        self._log.warn(
            "it has no authentication: whoever reaches it may pull and push"
            + (" and delete" if config.storage.delete.enabled else "")
        )
        self._notifier.ready(f"listening on {listener.url}")

    # The end.

    async def stop(self) -> None:
        """Stop listening, finish or cut off requests, let go of storage and threads."""
        self._notifier.stopping()
        for listener in self._listeners:
            await listener.close()
        await self._drain()
        await self._cut_off()
        await self._schedule.stop()
        if self._health is not None:
            self._health.stop()
        if self._driver is not None:
            await self._driver.close()
        self._workers.stop()
        if self._held is not None:
            self._held.close()
        if self._lines is not None:
            self._lines.close()
        self._log.info("stopped")

    def hurry(self) -> None:
        """Wait for no request any longer: somebody has asked twice to stop."""
        self._is_hurried = True

    async def _drain(self) -> None:
        """Let requests finish for up to ``http.draintimeout``."""
        patience = self._config.http.draintimeout
        for site in self._sites:
            site.drain()
        if patience and self._in_progress:
            self._log.info(
                "stopping; waits up to {patience:g} s for requests in progress:"
                " {count}; another signal stops at once",
                patience=patience,
                count=self._in_progress,
            )
        end = self._reactor.seconds() + patience
        while (
            self._in_progress and not self._is_hurried and self._reactor.seconds() < end
        ):
            await deferLater(self._reactor, STEP, lambda: None)

    async def _cut_off(self) -> None:
        """Drop what is left, and let it leave its files in order."""
        if self._in_progress:
            self._log.info("requests cut off: {count}", count=self._in_progress)
        for site in self._sites:
            site.stop()
        end = self._reactor.seconds() + TIDYING
        while self._in_progress and self._reactor.seconds() < end:
            await deferLater(self._reactor, STEP, lambda: None)

    @property
    def _in_progress(self) -> int:
        return sum(site.in_progress for site in self._sites)
