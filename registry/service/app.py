"""The appliance: everything built from one configuration, started and stopped.

This is the composition root. No other module builds what it needs, and nothing is
global: to see who uses whom, read ``App.start`` and what it calls from top to bottom.

Order at start: threads, storage and its lock, the registry, checks, listeners, jobs. At
stop: nothing is taken away from under a request or a job that still runs.

Read next: ``parts.py``, ``sites.py``, ``listeners.py``, ``reload.py``.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from twisted.internet.defer import DeferredLock
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from registry import __version__
from registry.config.errors import ConfigError
from registry.config.schema import Configuration
from registry.maintenance.schedule import Schedule
from registry.service.descriptors import raise_descriptor_limit
from registry.service.draining import Draining
from registry.service.exposure import shortage
from registry.service.healing import start_healing
from registry.service.jobs import jobs
from registry.service.listeners import Listener, listen
from registry.service.log import LogObserver
from registry.service.notify import Notifier
from registry.service.parts import Parts, build_parts
from registry.service.passed import address_for
from registry.service.reactor import RegistryReactor
from registry.service.reload import Change, change
from registry.service.sites import Sites, api_path
from registry.service.storage import describe_storage, worker_threads
from registry.service.tls import CurrentContext, TLSRefused, load
from registry.storage.workers import WorkerPool
from registry.web.tls_transport import TLSSite


class App:
    """A registry: built by ``start``, taken apart by ``stop``.

    ``reread`` reads the configuration anew, for ``reload``; it may block, and raises
    ConfigError. ``observer`` writes the log, where that is ours to adjust.
    """

    def __init__(
        self,
        *,
        config: Configuration,
        reactor: RegistryReactor,
        notifier: Notifier,
        reread: Callable[[], Configuration],
        observer: LogObserver | None,
    ) -> None:
        self._config = config
        self._reactor = reactor
        self._notifier = notifier
        self._reread = reread
        self._observer = observer
        self._workers = WorkerPool(reactor=reactor, threads=worker_threads(config))
        self._schedule = Schedule(clock=reactor, random=random.random)
        self._draining = Draining(clock=reactor)
        self._reloading = DeferredLock()
        self._parts: Parts | None = None
        self._sites: Sites | None = None
        self._listeners: list[Listener] = []
        self._status = ""
        self._log = Logger()

    async def start(self) -> None:
        """Open the storage and listen.

        Raises StorageFailure, TLSRefused or ListenFailed, each with what to do.
        """
        config = self._config
        loaded = load(config.http.tls)
        tls = None
        if loaded is not None:
            tls = CurrentContext(context=loaded[0], period=loaded[1])
        raise_descriptor_limit()
        self._workers.start()
        parts = build_parts(
            config, tls=tls, workers=self._workers, reactor=self._reactor
        )
        self._parts = parts
        sites = self._sites = Sites(config=config, parts=parts)
        await self._listen_for_operator(sites)
        listener = await self._listen(sites, tls)
        self._announce(listener)
        self._schedule_jobs(parts)

    async def _listen(self, sites: Sites, tls: CurrentContext | None) -> Listener:
        factory: Factory = sites.public
        if tls is not None:
            factory = TLSSite(site=sites.public, connect=tls.connect)
        listener = await listen(
            address=address_for(self._config.http, reactor=self._reactor),
            factory=factory,
            reactor=self._reactor,
            is_secure=tls is not None,
        )
        self._listeners.append(listener)
        return listener

    async def _listen_for_operator(self, sites: Sites) -> None:
        """Open ``http.debug.addr``, if there is one."""
        address = self._config.http.debug.listen
        if address is None or sites.operators is None:
            return
        listener = await listen(
            address=address,
            factory=sites.operators,
            reactor=self._reactor,
            option="http.debug.addr",
        )
        self._listeners.append(listener)
        self._log.info("the operator's pages are at {url}", url=listener.url)

    def _schedule_jobs(self, parts: Parts) -> None:
        for job in jobs(self._config, registry=parts.registry, clock=self._reactor):
            self._schedule.add(job)
        start_healing(
            self._config,
            registry=parts.registry,
            storage=parts.storage,
            workers=self._workers,
            clock=self._reactor,
            schedule=self._schedule,
        )

    def _announce(self, listener: Listener) -> None:
        config = self._config
        self._warn()
        self._log.info(
            "registry {version} listens on {url}{path}, configured by {source}",
            version=__version__,
            url=listener.url,
            path=api_path(config),
            source=config.source,
        )
        self._log.info("it stores in {where}", where=describe_storage(config))
        self._log.warn(
            "it has no authentication: whoever reaches it may pull and push"
            + (" and delete" if config.storage.delete.enabled else "")
        )
        self._status = f"listening on {listener.url}"
        self._notifier.ready(self._status)

    def _warn(self) -> None:
        """Say what the operator should know about configuration and certificate."""
        for warning in self._config.warnings:
            self._log.warn("{warning}", warning=warning)
        short = shortage(self._config)
        if short is not None:
            self._log.warn("it {short}", short=short)
        tls = None if self._parts is None else self._parts.tls
        period = None if tls is None else tls.period
        overdue = None if period is None else period.warning(self._reactor.seconds())
        if overdue is not None:
            self._log.warn(
                "{file} (http.tls.certificate) {overdue}",
                file=self._config.http.tls.certificate,
                overdue=overdue,
            )

    # A new configuration.

    async def reload(self) -> None:
        """Read configuration and certificates again, and use what is new in them.

        If anything is wrong with them all stays as it is, and the log says why.
        """
        parts, sites = self._parts, self._sites
        if parts is None or sites is None or not self._status:
            self._log.warn("not reloaded: the registry is still starting; try again")
            return
        await self._reloading.acquire()
        self._notifier.reloading()
        outcome = ""
        try:
            await self._reload(parts, sites)
        except (ConfigError, TLSRefused) as error:
            outcome = "; the last reload failed, see the log"
            for problem in str(error).splitlines():
                self._log.error(
                    "not reloaded, all stays as it was: {problem}", problem=problem
                )
        finally:
            self._notifier.ready(self._status + outcome)
            self._reloading.release()

    async def _reload(self, parts: Parts, sites: Sites) -> None:
        old = self._config
        new = change(old, await self._workers.run(self._reread))
        config = new.config
        loaded = await self._workers.run(load, config.http.tls)
        self._config = config
        if parts.tls is not None and loaded is not None:
            parts.tls.replace(*loaded)
        if self._observer is not None:
            self._observer.adopt(config.log)
        parts.adopt(config)
        sites.adopt(config)
        if config.health != old.health:
            parts.health.replace(parts.checks(config))
        if config.storage.maintenance != old.storage.maintenance:
            await self._schedule.stop()
            self._schedule_jobs(parts)
        self._tell_of(new)

    def _tell_of(self, new: Change) -> None:
        self._warn()
        self._log.info(
            "reloaded from {source}; changed: {keys}",
            source=new.config.source,
            keys=", ".join(new.changed) or "no key",
        )
        if new.waiting:
            self._log.warn(
                "these changes take effect when the registry is restarted: {keys}",
                keys=", ".join(new.waiting),
            )

    # The end.

    async def stop(self) -> None:
        """Stop listening, finish or cut off requests, let go of storage and threads."""
        self._notifier.stopping()
        for listener in self._listeners:
            await listener.close()
        if self._sites is not None:
            await self._draining.run(self._sites.all, self._config.http.draintimeout)
        await self._schedule.stop()
        parts = self._parts
        if parts is not None:
            parts.health.stop()
            await parts.driver.close()
        self._workers.stop()
        if parts is not None:
            parts.storage.close()
        if self._sites is not None:
            self._sites.close()
        self._log.info("stopped")

    def hurry(self) -> None:
        """Wait for no request any longer: somebody has asked twice to stop."""
        self._draining.hurry()
