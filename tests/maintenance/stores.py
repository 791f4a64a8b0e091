"""A store on a real disk, a registry on it, and a clock that a test moves."""

from __future__ import annotations

import uuid
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from registry.core.digest import Digest
from registry.core.name import RepositoryName, Tag
from registry.core.rules import ReferenceRules
from registry.repository.registry import Registry, build_registry
from registry.storage.disk import Disk
from registry.storage.filesystem import FilesystemDriver
from registry.storage.layout import blob_data
from registry.storage.survey import Survey
from registry.storage.workers import Inline
from registry.testing.images import Manifest
from registry.testing.results import result_of

T = TypeVar("T")
NAME = RepositoryName("team/app")


@attrs.frozen
class Store:
    """A directory with a store, as a process that has just started sees it."""

    root: Path
    clock: Clock
    driver: FilesystemDriver
    registry: Registry
    survey: Survey

    def file(self, path: str) -> Path:
        """Where a path of the layout is."""
        return self.root / path

    def data(self, content: bytes) -> Path:
        """Where the bytes of ``content`` are."""
        return self.file(blob_data(Digest.of(content)))

    def tear(self, paths: Sequence[str], torn: bytes) -> list[bytes]:
        """Write ``torn`` in the place of links; what they held."""
        held = [self.file(path).read_bytes() for path in paths]
        for path in paths:
            self.file(path).write_bytes(torn)
        return held

    def push(self, manifest: Manifest, tag: str, name: RepositoryName = NAME) -> None:
        """Push an image or an index with all that it needs, under a tag."""
        for blob in manifest.blobs:
            result_of(self.push_blob(blob, name))
        for child in manifest.children:
            self.push(child, f"{tag}-{child.digest.hex[:8]}", name)
        result_of(
            self.registry.manifests.put(
                name,
                Tag(tag),
                tags=[],
                body=manifest.content,
                content_type=manifest.media_type,
                may_replace=None,
            )
        )

    async def push_blob(self, content: bytes, name: RepositoryName = NAME) -> None:
        """Push a blob."""
        uploads = self.registry.uploads
        session = (await uploads.start(name)).id
        receiving = uploads.receive(
            name, session, chunk=None, length=None, flush=False, holds=1000
        )
        async with receiving as receiver:
            await receiver.append([content])
            await uploads.commit(name, session, Digest.of(content), receiver=receiver)

    def run(self, coroutine: Coroutine[Deferred[Any], Any, T]) -> T:
        """The result of what waits for nothing but its turn."""
        outcome: list[T | Failure] = []
        Deferred.fromCoroutine(coroutine).addBoth(outcome.append)
        for _ in range(100_000):
            if outcome:
                break
            self.clock.advance(0)
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]

    def again(self) -> Store:
        """The same directory after a restart."""
        return open_store(self.root)


def open_store(root: Path) -> Store:
    """A registry on ``root`` that has just started."""
    disk, clock = Disk(), Clock()
    clock.advance(1_767_323_045.0)
    driver = FilesystemDriver(disk=disk, workers=Inline(), root=str(root))
    registry = build_registry(
        driver=driver,
        workers=Inline(),
        rules=ReferenceRules(),
        clock=clock,
        new_id=lambda: str(uuid.uuid4()),
        cache_bytes=16_000_000,
        small_limit=1000,
    )
    survey = Survey(disk=disk, root=str(root))
    return Store(root, clock, driver, registry, survey)
