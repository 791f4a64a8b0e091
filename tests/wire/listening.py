"""A registry on disk that listens on loopback, and clients of it in this process."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Event

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    connectProtocol,
    wrapClientTLS,
)
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.python.failure import Failure
from twisted.web.resource import IResource, Resource

from registry.config.load import read_config
from registry.core.digest import Digest
from registry.core.name import RepositoryName
from registry.repository.registry import build_registry
from registry.service.endpoints import build_endpoints
from registry.service.rules import reference_rules
from registry.service.tls import CurrentContext, load_context
from registry.storage.disk import Disk
from registry.storage.driver import Content
from registry.storage.filesystem import FilesystemDriver
from registry.storage.layout import blob_data, layer_link
from registry.storage.readahead import ReadAhead
from registry.storage.workers import WorkerPool
from registry.testing.answers import Answer, parse_answers
from registry.testing.harness import request_bytes
from registry.web.api import Api
from registry.web.limits import Limits
from registry.web.site import Exposure, Site
from registry.web.tls_transport import TLSSite
from registry.web.tree import Tree

NAME = RepositoryName("team/app")
LOCALHOST = "127.0.0.1"
THREADS = 8
SECURE = pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "tls"])

ReadsAhead = Callable[[int, int, int], Deferred[None]]


@attrs.frozen(kw_only=True)
class Listening:
    """Where a registry listens, and what it stores in."""

    root: Path
    port: int
    certificate: Certificate | None
    site: Site
    workers: WorkerPool
    opened: set[CountedContent]
    """The contents that somebody has open."""

    @property
    def endpoint(self) -> IStreamClientEndpoint:
        plain = TCP4ClientEndpoint(reactor, LOCALHOST, self.port)
        if self.certificate is None:
            return plain
        trusted = optionsForClientTLS("localhost", trustRoot=self.certificate)
        return wrapClientTLS(trusted, plain)

    async def connect(self) -> RawClient:
        return await connectProtocol(self.endpoint, RawClient())

    async def exchange(self, raw: bytes) -> list[Answer]:
        """The answers to ``raw``, the last of which ends the connection."""
        client = await self.connect()
        client.transport.write(raw)
        await client.closed
        answers, rest = parse_answers(client.data)
        assert not rest
        return answers

    def place_blob(self, write: Callable[[int], object], *, digest: str) -> str:
        """The path of a blob whose file ``write`` fills."""
        name = Digest.parse(digest)
        file = self.root / blob_data(name)
        file.parent.mkdir(parents=True)
        with file.open("wb") as opened:
            write(opened.fileno())
        link = self.root / layer_link(NAME, name)
        link.parent.mkdir(parents=True)
        link.write_text(digest)
        return f"/v2/{NAME}/blobs/{digest}"

    def blob_file(self, path: str) -> Path:
        return self.root / blob_data(Digest.parse(path.rpartition("/")[2]))


class CountedContent:
    """An open content, counted among those that are open until it is closed."""

    def __init__(self, content: Content, opened: set[CountedContent]) -> None:
        self._content = content
        self._opened = opened
        opened.add(self)

    @property
    def size(self) -> int:
        return self._content.size

    @property
    def held(self) -> bytes | None:
        return self._content.held

    def fileno(self) -> int | None:
        return self._content.fileno()

    async def read(self, offset: int, length: int) -> bytes:
        return await self._content.read(offset, length)

    def close(self) -> None:
        self._opened.discard(self)
        self._content.close()


class CountingDriver(FilesystemDriver):
    """Remembers the contents that somebody has open."""

    opened: set[CountedContent]

    async def open(self, path: str) -> Content:
        return CountedContent(await super().open(path), self.opened)


class RawClient(Protocol):
    """Collects what comes; ``closed`` fires when the server has closed."""

    def __init__(self) -> None:
        self._received = bytearray()
        self.closed: Deferred[None] = Deferred()
        self._waiting: tuple[int, Deferred[None]] | None = None

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        if self._waiting is not None and len(self._received) >= self._waiting[0]:
            (_, waiting), self._waiting = self._waiting, None
            waiting.callback(None)

    @property
    def data(self) -> bytes:
        return bytes(self._received)

    @property
    def size(self) -> int:
        return len(self._received)

    def has(self, size: int) -> Deferred[None]:
        """Fires when ``size`` bytes have come."""
        waiting: Deferred[None] = Deferred()
        self._waiting = size, waiting
        self.dataReceived(b"")
        return waiting

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        del reason
        self.closed.callback(None)


class Download(Protocol):
    """Asks for something and hashes the body that comes, until the server closes."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._sum = hashlib.sha256()
        self.head = b""
        self.size = 0
        self.done: Deferred[Download] = Deferred()

    @property
    def sha256(self) -> str:
        return self._sum.hexdigest()

    def connectionMade(self) -> None:
        self.transport.write(self._raw)

    def dataReceived(self, data: bytes) -> None:
        if b"\r\n\r\n" not in self.head:
            head, end, data = (self.head + data).partition(b"\r\n\r\n")
            self.head = head + end
        self.size += len(data)
        self._sum.update(data)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        del reason
        self.done.callback(self)


def asking(method: str, path: str, **headers: str) -> bytes:
    """A request after whose answer the server closes."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return request_bytes(method, path, headers={"Connection": "close", **given})


@asynccontextmanager
async def listening(
    root: Path,
    *,
    is_secure: bool = False,
    limits: Limits | None = None,
    tree: IResource | None = None,
    read_ahead: Callable[[ReadsAhead], ReadsAhead] = lambda real: real,
) -> AsyncIterator[Listening]:
    """A registry that stores in ``root``; ``read_ahead`` wraps the real one."""
    workers = WorkerPool(reactor=reactor, threads=THREADS)
    workers.start()
    driver = CountingDriver(disk=Disk(), workers=workers, root=str(root))
    driver.opened = set()
    config = read_config("version: 0.1\nstorage: inmemory\n", "listening", {})
    registry = build_registry(
        workers=workers,
        driver=driver,
        rules=reference_rules(config.validation),
        clock=reactor,
        new_id=lambda: str(uuid.uuid4()),
        cache_bytes=config.storage.cache.size,
    )
    endpoints = build_endpoints(
        config, registry=registry, authenticator=None, own_secret=b"for tests"
    )
    site = Site(
        api=Api(
            endpoints=endpoints,
            authenticator=None,
            ailments=dict,
            prefix="/",
            is_readonly=False,
        ),
        tree=Tree(root=tree or Resource()),
        exposure=Exposure(),
        limits=limits or Limits(),
        reactor=reactor,
        read_ahead=read_ahead(ReadAhead(workers=workers)),
    )
    site.start()
    endpoint = TCP4ServerEndpoint(reactor, 0, backlog=300, interface=LOCALHOST)
    pair = certificate() if is_secure else None
    if pair is None:
        port = await endpoint.listen(site)
    else:
        current = CurrentContext(context=pair.load())
        port = await endpoint.listen(TLSSite(site=site, connect=current.connect))
    try:
        yield Listening(
            root=root,
            port=port.getHost().port,
            certificate=None if pair is None else pair.certificate,
            site=site,
            workers=workers,
            opened=driver.opened,
        )
    finally:
        await port.stopListening()
        site.stop()
        await all_gone(site)
        await driver.close()
        workers.stop()


@contextmanager
def busy(workers: WorkerPool) -> Iterator[None]:
    """All threads of ``workers`` have something else to do."""
    free = Event()
    for _ in range(THREADS):
        workers.run(free.wait)
    try:
        yield
    finally:
        free.set()


async def all_gone(site: Site) -> None:
    """Wait until the site's connections are lost."""
    while site.connections:
        await turn()


async def turn() -> None:
    """Let the reactor do what is due."""
    done: Deferred[None] = Deferred()
    reactor.callLater(0.001, done.callback, None)
    await done


@attrs.frozen
class Pair:
    """A certificate and its key, in one PEM text."""

    pem: bytes

    @property
    def certificate(self) -> Certificate:
        return Certificate.loadPEM(self.pem)

    def load(self) -> SSL.Context:
        """The context that a server makes of it."""
        with NamedTemporaryFile(suffix=".pem") as file:
            file.write(self.pem)
            file.flush()
            return load_context(certificate=file.name, key=file.name)


@cache
def certificate() -> Pair:
    """A certificate for localhost that nobody else has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Pair(pem)
