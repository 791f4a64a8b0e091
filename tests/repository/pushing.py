"""What a client does to a registry, one call each, and small content for it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from registry.core.digest import Digest, Hasher
from registry.core.mediatype import OCI_INDEX, OCI_MANIFEST
from registry.core.name import Reference, RepositoryName, Tag
from registry.repository.blank import Blank
from registry.repository.blobs import Blob
from registry.repository.push import Pushed
from registry.repository.registry import Registry
from registry.storage.driver import Appender, Change, Driver

NAME = RepositoryName("team/app")
OTHER = RepositoryName("other")
CONFIG = b"{}"
LAYER = b"layer " * 40


def descriptor(
    content: bytes,
    media_type: str = "application/octet-stream",
    algorithm: str = "sha256",
) -> dict[str, object]:
    return {
        "mediaType": media_type,
        "digest": str(Digest.of(content, algorithm)),
        "size": len(content),
    }


def image(*, subject: bytes | None = None, **fields: object) -> bytes:
    """The bytes of an image manifest; further fields make it another one."""
    manifest: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(CONFIG, "application/vnd.example.config"),
        "layers": [descriptor(LAYER)],
    }
    if subject is not None:
        manifest["subject"] = descriptor(subject, OCI_MANIFEST)
    return json.dumps(manifest | fields).encode()


def index(*children: bytes) -> bytes:
    """The bytes of an image index."""
    manifests = [descriptor(child, OCI_MANIFEST) for child in children]
    fields = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    return json.dumps(fields).encode()


async def push_blob(
    registry: Registry,
    content: bytes,
    name: RepositoryName = NAME,
    algorithm: str = "sha256",
) -> Blob:
    status = await registry.uploads.start(name, algorithm=algorithm)
    await append(registry, status.id, content, name=name)
    return await commit(registry, status.id, Digest.of(content, algorithm), name=name)


async def append(
    registry: Registry,
    session: str,
    *chunks: bytes,
    name: RepositoryName = NAME,
    told: Blank | None = None,
) -> int:
    receiving = registry.uploads.receive(
        name, session, chunk=None, length=None, flush=False, told=told
    )
    async with receiving as receiver:
        for chunk in chunks:
            await receiver.append([chunk])
    return receiver.offset


async def commit(
    registry: Registry,
    session: str,
    digest: Digest,
    *last: bytes,
    name: RepositoryName = NAME,
    holds: int = 1000,
    told: Blank | None = None,
) -> Blob:
    """The last request of an upload, as ``web/uploads.py`` serves it."""
    receiving = registry.uploads.receive(
        name,
        session,
        chunk=None,
        length=sum(map(len, last)),
        flush=False,
        holds=holds,
        told=told,
    )
    async with receiving as receiver:
        for chunk in last:
            await receiver.append([chunk])
        return await registry.uploads.commit(name, session, digest, receiver=receiver)


async def push_manifest(
    registry: Registry,
    body: bytes,
    reference: Reference | None = None,
    name: RepositoryName = NAME,
    *,
    tags: Sequence[Tag] = (),
    may_replace: Callable[[Digest | None], None] | None = None,
) -> Pushed:
    return await registry.manifests.put(
        name,
        reference or Digest.of(body),
        tags=tags,
        body=body,
        content_type=None,
        may_replace=may_replace,
    )


async def push_image(
    registry: Registry,
    body: bytes | None = None,
    reference: Reference | None = None,
    name: RepositoryName = NAME,
) -> Pushed:
    """An image with everything it refers to."""
    for content in (CONFIG, LAYER):
        await push_blob(registry, content, name)
    return await push_manifest(registry, body or image(), reference, name)


async def paths_below(driver: Driver, path: str = "docker") -> list[str]:
    """Every file of the tree."""
    found: list[str] = []
    for child in await driver.names(path):
        below = f"{path}/{child}"
        [size] = await sizes_or_directory(driver, below)
        found += [below] if size is not None else await paths_below(driver, below)
    return found


async def sizes_or_directory(driver: Driver, path: str) -> list[int | None]:
    try:
        await driver.names(path)
    except Exception:  # noqa: BLE001 - a file: whatever a driver says about names
        return await driver.sizes([path])
    return [None]


class Recording:
    """The real driver, which also remembers the changes it was given, in order."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.changes: list[Change] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._driver, name)

    async def apply(self, changes: Sequence[Change]) -> None:
        self.changes += changes
        await self._driver.apply(changes)

    async def append_to(self, path: str, *, after: Sequence[Change] = ()) -> Appender:
        self.changes += after
        return await self._driver.append_to(path, after=after)


class Asking:
    """The real driver, and the names of all that it was asked for, in order."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.asked.append(name)
        return getattr(self._driver, name)


class Slow:
    """The real driver, where every piece of work waits until a test lets it go on.

    It waits before and after, as work in a thread does: what it changed is there some
    time before the one who asked hears of it.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.waiting: list[Deferred[None]] = []

    def step(self, position: int = 0) -> None:
        """Let one piece of work go on."""
        self.waiting.pop(position).callback(None)

    def finish(self) -> None:
        """Let all go on, to the end."""
        while self.waiting:
            self.step()

    def __getattr__(self, name: str) -> Callable[..., object]:
        work = getattr(self._driver, name)

        async def slowly(*args: object) -> object:
            await self._pause()
            result = await work(*args)
            await self._pause()
            return result

        return slowly

    async def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            await self._pause()
            await self._driver.apply([change])
        await self._pause()

    async def append_to(self, path: str, **how: Any) -> SlowAppender:
        await self._pause()
        return SlowAppender(await self._driver.append_to(path, **how), self._pause)

    async def _pause(self) -> None:
        self.waiting.append(Deferred())
        await self.waiting[-1]


class SlowAppender:
    """The same for a file that grows."""

    def __init__(
        self, appender: Appender, pause: Callable[[], Awaitable[None]]
    ) -> None:
        self._appender = appender
        self._pause = pause

    @property
    def size(self) -> int:
        return self._appender.size

    async def append(self, chunks: Sequence[bytes], hashers: Sequence[Hasher]) -> int:
        await self._pause()
        size = await self._appender.append(chunks, hashers)
        await self._pause()
        return size

    async def close(self, *, flush: bool) -> None:
        await self._pause()
        await self._appender.close(flush=flush)


class Running:
    """An operation under way and, when it has ended, its outcome."""

    def __init__(self, coroutine: Coroutine[Deferred, Any, object]) -> None:
        self.result: object = None
        self.error: BaseException | None = None
        self.ended = False
        self.deferred = Deferred.fromCoroutine(coroutine)
        self.deferred.addCallbacks(self._succeed, self._fail)

    def _succeed(self, result: object) -> None:
        self.result, self.ended = result, True

    def _fail(self, failure: Failure) -> None:
        self.error, self.ended = failure.value, True
