"""What a client does to a registry, in one call each, and small content to do it with."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred

from registry.core.digest import Digest
from registry.core.mediatype import OCI_INDEX, OCI_MANIFEST
from registry.core.name import Reference, RepositoryName, Tag
from registry.repository.blobs import Blob
from registry.repository.push import Pushed
from registry.repository.registry import Registry
from registry.storage.driver import Change, Driver

NAME = RepositoryName("team/app")
OTHER = RepositoryName("other")
CONFIG = b"{}"
LAYER = b"layer " * 40


def descriptor(content: bytes, media_type: str = "application/octet-stream") -> dict:
    return {
        "mediaType": media_type,
        "digest": str(Digest.of(content)),
        "size": len(content),
    }


def image(
    *,
    subject: bytes | None = None,
    layers: Sequence[bytes] = (LAYER,),
    **fields: object,
) -> bytes:
    """The bytes of an image manifest; further fields make it another one."""
    manifest: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(CONFIG, "application/vnd.example.config"),
        "layers": [descriptor(layer) for layer in layers],
        **fields,
    }
    if subject is not None:
        manifest["subject"] = descriptor(subject, OCI_MANIFEST)
    return json.dumps(manifest).encode()


def index(*children: bytes) -> bytes:
    """The bytes of an image index."""
    manifests = [descriptor(child, OCI_MANIFEST) for child in children]
    fields = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    return json.dumps(fields).encode()


def anything(_current: Digest | None) -> None:
    """A push without a precondition."""


async def push_blob(
    registry: Registry,
    content: bytes,
    name: RepositoryName = NAME,
    algorithm: str = "sha256",
) -> Blob:
    status = await registry.uploads.start(name, algorithm=algorithm)
    await append(registry, status.id, content, name)
    digest = Digest.of(content, algorithm)
    return await registry.uploads.commit(name, status.id, digest)


async def append(
    registry: Registry, session: str, *chunks: bytes, name: RepositoryName = NAME
) -> int:
    receiving = registry.uploads.receive(
        name, session, chunk=None, length=None, flush=False
    )
    async with receiving as receiver:
        for chunk in chunks:
            await receiver.append([chunk])
    return receiver.offset


async def push_manifest(
    registry: Registry,
    body: bytes,
    reference: Reference | None = None,
    name: RepositoryName = NAME,
    *,
    tags: Sequence[Tag] = (),
    may_replace: Callable[[Digest | None], None] = anything,
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


class Stepped:
    """Workers that do a piece of work only when a test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def run(self, work: Callable, /, *args: object, **kwargs: object) -> Deferred:
        done: Deferred = Deferred()

        def step() -> None:
            try:
                result = work(*args, **kwargs)
            except BaseException:  # noqa: BLE001 - whatever it is, it is the outcome
                done.errback()
            else:
                done.callback(result)

        self.waiting.append(step)
        return done

    def step(self, position: int = 0) -> None:
        """Do one piece of the work that waits."""
        self.waiting.pop(position)()

    def finish(self) -> None:
        """Do all work, also what comes of it."""
        while self.waiting:
            self.step()
