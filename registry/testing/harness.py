r"""A whole registry in memory, behind the real channel, driven byte by byte.

    harness = Harness()
    answer = harness.request("GET", "/v2/")                     # one exchange
    [first, second] = harness.exchange(b"GET /v2/ HTTP/1.1...")  # raw bytes
    client = harness.connect()                                  # a connection
    client.send(b"GET /v2/ HT"); client.send(b"TP/1.1\r\n..."); client.answers()

Nothing runs by itself: time passes when ``advance`` says so, and work of a registry in
memory is done at once, so every call returns with its consequences visible. Within
``calm`` no failure may be logged; a test of hostile input runs there.
"""

from __future__ import annotations

import gc
import math
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache

from twisted.internet.testing import MemoryReactorClock
from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    formatEvent,
    globalLogPublisher,
)
from twisted.web.resource import IResource, Resource
from zope.interface import provider

from registry.config.load import read_config
from registry.config.schema import Configuration
from registry.repository.registry import build_registry
from registry.service.endpoints import build_endpoints, name_limits
from registry.service.rules import reference_rules
from registry.storage.driver import Driver
from registry.storage.memory import MemoryDriver
from registry.storage.readahead import ReadAhead
from registry.storage.workers import Inline
from registry.testing.answers import Answer, MalformedAnswer, parse_answers
from registry.testing.memory_transport import MemoryTransport
from registry.web.api import Api
from registry.web.limits import Limits
from registry.web.peer import X_FORWARDED_FOR, Network
from registry.web.request import Request
from registry.web.response import Response
from registry.web.site import Exposure, Site
from registry.web.tree import Tree

HOST = "registry.test"
START = 1_000_000_000.0

DELETING = (
    "storage: {inmemory: {}, delete: {enabled: true}}\nhttp: {secret: for tests}\n"
)
"""Options of a registry in memory that lets clients delete."""


class Client:
    """One connection to the harness, with the client's view of it."""

    def __init__(
        self, *, transport: MemoryTransport, harness: Harness, methods: list[str]
    ) -> None:
        self.transport = transport
        self._harness = harness
        self._methods = methods

    def send(self, *pieces: bytes) -> None:
        """Send each of ``pieces`` as a segment of its own."""
        for piece in pieces:
            self.transport.deliver(piece)
            self._harness.advance(0)

    def end(self) -> None:
        """Close the sending side, and go on reading."""
        self.transport.end()
        self._harness.advance(0)

    def leave(self) -> None:
        """Close the connection."""
        self.transport.leave()
        self._harness.advance(0)

    def take(self, size: int | None = None) -> None:
        """Read up to ``size`` bytes more, or from now on all; see ``stall``."""
        self.transport.take(size)
        self._harness.advance(0)

    def stall(self) -> None:
        """Take nothing until told to."""
        self.transport.window = 0

    def answers(self) -> list[Answer]:
        """All that the server has said. Raises MalformedAnswer, also for a part."""
        found, rest = parse_answers(self.transport.received, self._methods)
        if rest:
            raise MalformedAnswer(f"the last answer is not complete: {rest[:200]!r}")
        return found

    @property
    def received(self) -> bytes:
        """The bytes that the server has sent."""
        return self.transport.received

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent and answered."""
        transport = self.transport
        return not (
            transport.is_closed
            or transport.is_closing
            or transport.is_aborted
            or transport.is_half_closed
        )


class Harness:
    """A registry in memory. ``options`` is Distribution's YAML without ``version``."""

    def __init__(
        self,
        *,
        options: str = DELETING,
        limits: Limits | None = None,
        root: IResource | None = None,
        trusted: Sequence[Network] = (),
        told_by: bytes = X_FORWARDED_FOR,
        driver: Driver | None = None,
    ) -> None:
        self.config = _configuration(options)
        self.limits = limits or Limits()
        self.reactor = MemoryReactorClock()
        self.reactor.rightNow = START
        self.driver = driver or MemoryDriver()
        self.answered: list[tuple[Request, Response]] = []
        self.in_progress = 0
        self._methods: dict[int, list[str]] = {}
        self._sessions = 0
        self.registry = build_registry(
            workers=Inline(),
            driver=self.driver,
            rules=reference_rules(self.config.validation),
            clock=self.reactor,
            new_id=self._new_id,
            cache_bytes=self.config.storage.cache.size,
            begun_limit=self.config.http.limits.uploads or math.inf,
            begun_share=self.config.http.limits.uploadsperrepository or math.inf,
            json_depth=self.config.validation.manifests.depthlimit,
        )
        self.site = self._site(root or Resource(), trusted, told_by)
        self.site.start()

    def _site(
        self, root: IResource, trusted: Sequence[Network], told_by: bytes
    ) -> Site:
        prefix = self.config.http.prefix or "/"
        endpoints = build_endpoints(
            self.config,
            registry=self.registry,
            authenticator=None,
            own_secret=secrets.token_bytes(32),
        )
        api = Api(
            endpoints=endpoints,
            authenticator=None,
            ailments=dict,
            prefix=prefix,
            is_readonly=self.config.storage.maintenance.readonly.enabled,
            name_limits=name_limits(self.config),
        )
        return Site(
            api=api,
            tree=Tree(root=root),
            exposure=Exposure(prefix=prefix.encode("ascii")),
            limits=self.limits,
            reactor=self.reactor,  # type: ignore[arg-type]  # no writers are added
            read_ahead=ReadAhead(workers=Inline()),
            trusted=trusted,
            told_by=told_by,
            observers=[_Recorder(self)],
        )

    def _new_id(self) -> str:
        self._sessions += 1
        return str(uuid.UUID(int=self._sessions, version=4))

    def record(self, request: Request, response: Response) -> None:
        """Remember what was answered, and on which connection."""
        self.in_progress -= 1
        self.answered.append((request, response))
        self._methods[request.peer.port].append(request.method)

    def connect(self, *, host: str = "192.0.2.1") -> Client:
        """A new connection from ``host``."""
        port = 1024 + len(self._methods)
        self._methods[port] = []
        transport = MemoryTransport(clock=self.reactor, host=host, port=port)
        protocol = self.site.buildProtocol(transport.getPeer())
        if protocol is None:
            transport.refuse()
        else:
            transport.connect(protocol)
        return Client(transport=transport, harness=self, methods=self._methods[port])

    def exchange(self, raw: bytes, *, host: str = "192.0.2.1") -> list[Answer]:
        """The answers to ``raw``, sent on a connection of its own."""
        client = self.connect(host=host)
        client.send(raw)
        answers = client.answers()
        if not client.transport.is_closed:
            client.leave()
        return answers

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        host: str = "192.0.2.1",
    ) -> Answer:
        """The final answer to one request, on a connection of its own.

        Host and, with a body, Content-Length are added unless given.
        """
        raw = request_bytes(method, path, headers=headers, body=body)
        return self.exchange(raw, host=host)[-1]

    def advance(self, seconds: float) -> None:
        """Let time pass, a second at a time, and all that is due happen."""
        while seconds > 1:
            self.reactor.advance(1)
            seconds -= 1
        self.reactor.advance(seconds)


@contextmanager
def calm() -> Iterator[None]:
    """Nothing may fail in here but what the caller sees: no failure may be logged."""
    failures: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event.get("log_level") == LogLevel.critical or "log_failure" in event:
            failures.append(f"{formatEvent(event)} {event.get('log_failure')}")

    globalLogPublisher.addObserver(observe)
    try:
        yield
        # reports errors that nobody handled; older objects are the tests'
        gc.collect(1)
    finally:
        globalLogPublisher.removeObserver(observe)
    assert not failures, failures


@contextmanager
def calm_harness(
    *,
    options: str = DELETING,
    limits: Limits | None = None,
    root: IResource | None = None,
    trusted: Sequence[Network] = (),
    driver: Driver | None = None,
) -> Iterator[Harness]:
    """A Harness, and no failure may be logged while it is used."""
    with calm():
        yield Harness(
            options=options, limits=limits, root=root, trusted=trusted, driver=driver
        )


@lru_cache(maxsize=32)
def _configuration(options: str) -> Configuration:
    """Read once, since many harnesses are alike and none can change it."""
    return read_config(f"version: 0.1\n{options}", "harness", {})


class _Recorder:
    """Tells the harness which requests were answered, in order."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    def started(self, request: Request) -> None:
        """``request`` is about to be served."""
        del request
        self._harness.in_progress += 1

    def answered(self, request: Request, response: Response, seconds: float) -> None:
        """``request`` was answered."""
        del seconds
        self._harness.record(request, response)


def request_bytes(
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    body: bytes = b"",
) -> bytes:
    """One request as it goes over the wire."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    given = {name.lower() for name, _ in pairs}
    if "host" not in given:
        pairs.insert(0, ("Host", HOST))
    if body and not given & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", str(len(body))))
    lines = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body
