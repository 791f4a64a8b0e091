"""The sites of a registry: one for clients, and maybe one for the operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from registry import __version__
from registry.config.schema import Configuration
from registry.service.access import AccessLog
from registry.service.debug import make_debug_root, make_root
from registry.service.exposure import channel_limits, exposure
from registry.service.lines import LineWriter
from registry.service.parts import Parts
from registry.service.requestlog import RequestLog
from registry.storage.readahead import ReadAhead
from registry.web.peer import X_FORWARDED_FOR, Network
from registry.web.site import Observer, Responder, Site
from registry.web.tree import Tree

STDOUT = 1
"""The descriptor of the access log; twistd puts something else in ``sys.stdout``."""


class Sites:
    """Made from ``parts``, and served by what a configuration says."""

    def __init__(self, *, config: Configuration, parts: Parts) -> None:
        self._parts = parts
        self._lines: LineWriter | None = None
        self.public = self._make(
            config,
            api=parts.api(config),
            tree=self._public_tree(config),
            trusted=config.http.trustedproxies,
            told_by=proxy_header(config),
            observers=self._observers(config),
        )
        self.operators: Site | None = None
        if config.http.debug.listen is not None:
            tree = self._operators_tree(config, self.public)
            self.operators = self._make(config, api=None, tree=tree)

    @property
    def all(self) -> list[Site]:
        """Every one."""
        return (
            [self.public] if self.operators is None else [self.public, self.operators]
        )

    def adopt(self, config: Configuration) -> None:
        """Serve as ``config`` says from now on."""
        self.public.adopt(
            api=self._parts.api(config),
            exposure=exposure(config),
            limits=channel_limits(config),
            trusted=config.http.trustedproxies,
            told_by=proxy_header(config),
            observers=self._observers(config),
        )
        if self.operators is not None:
            self.operators.adopt(
                api=None, exposure=exposure(config), limits=channel_limits(config)
            )

    def close(self) -> None:
        """Write what is left of the access log."""
        if self._lines is not None:
            self._lines.close()

    def _make(
        self,
        config: Configuration,
        *,
        api: Responder | None,
        tree: Tree,
        trusted: Sequence[Network] = (),
        told_by: bytes = X_FORWARDED_FOR,
        observers: Sequence[Observer] = (),
    ) -> Site:
        site = Site(
            api=api,
            tree=tree,
            exposure=exposure(config),
            limits=channel_limits(config),
            reactor=self._parts.reactor,
            read_ahead=ReadAhead(workers=self._parts.workers),
            trusted=trusted,
            told_by=told_by,
            observers=observers,
        )
        site.start()
        return site

    def _public_tree(self, config: Configuration) -> Tree:
        health = self._parts.health
        root = make_root(
            ailments=health.ailments,
            degradations=health.degradations,
            api=api_path(config),
        )
        return Tree(root=root)

    def _operators_tree(self, config: Configuration, public: Site) -> Tree:
        """Pages about ``public``, without an API."""
        health, metrics = self._parts.health, self._parts.metrics
        prometheus = config.http.debug.prometheus

        def numbers() -> Mapping[str, object]:
            return {"version": __version__, "connections": public.connections}

        root = make_debug_root(
            ailments=health.ailments,
            degradations=health.degradations,
            numbers=numbers,
            render_metrics=metrics.render if prometheus.enabled else None,
            metrics_path=prometheus.path,
            workers=self._parts.workers,
        )
        return Tree(root=root)

    def _observers(self, config: Configuration) -> list[Observer]:
        """What is told of each answer."""
        log = config.log
        observers: list[Observer] = [self._parts.metrics]
        if log.level == "debug":
            observers.append(RequestLog())
        if not log.accesslog.disabled:
            if self._lines is None:
                clock = self._parts.reactor
                self._lines = LineWriter(descriptor=STDOUT, clock=clock)
            observers.append(AccessLog(lines=self._lines))
        return observers


def proxy_header(config: Configuration) -> bytes:
    """The header by which trusted proxies tell who their client is."""
    return config.http.proxyheader.lower().encode("ascii")


def api_path(config: Configuration) -> str:
    """Where the API stands."""
    return f"{config.http.prefix or '/'}v2/"
