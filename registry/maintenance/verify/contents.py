"""The check of contents: every file below ``blobs/`` is read and hashed.

Small ones are hashed many in one worker turn; large ones in turns of their own, so that
neither the turns nor the bytes of one hold up the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import attrs

from registry.core.digest import HEX_LENGTHS, Digest, new_hasher
from registry.maintenance.names import digest_or_none
from registry.maintenance.verify.beside import beside, unknown
from registry.maintenance.verify.crew import Crew
from registry.maintenance.verify.examination import Examination
from registry.maintenance.verify.finding import (
    Finding,
    Kind,
    SetAside,
    damage,
    unreadable,
)
from registry.maintenance.verify.known import KnownContents
from registry.maintenance.verify.progress import Progress
from registry.storage.driver import Absent, Driver, StorageFailure
from registry.storage.layout import BLOBS, blob_data
from registry.storage.survey import Seen, Survey, children_or_none
from registry.storage.workers import Workers

SMALL = 1024 * 1024
"""Bytes of content that is hashed together with others."""

TOGETHER = 8 * 1024 * 1024
"""Bytes that are hashed in one worker turn, at most, or ``MANY`` contents."""

MANY = 200


@attrs.frozen
class Stored:
    """Content, and how long it is."""

    digest: Digest
    size: int


@attrs.frozen(kw_only=True)
class ContentsCheck:
    """Looks at all contents; notes in ``known`` which there are.

    ``before`` is the moment before which a temporary file is nobody's.
    """

    driver: Driver
    survey: Survey
    workers: Workers
    crew: Crew
    examination: Examination
    known: KnownContents
    progress: Progress
    before: float

    async def run(self) -> None:
        """Look at all of them."""
        shards = await self._shards()
        self.progress.all_shards = len(shards)
        for place in shards:
            await self._shard(place)
        await self.crew.finish()

    async def _shard(self, place: str) -> None:
        try:
            found, strange = await self.workers.run(self._listed, place)
        except StorageFailure as failure:
            self.examination.told(unreadable(place, str(failure)))
            return
        finally:
            self.progress.shards += 1
        for finding in strange:
            self.examination.told(finding)
        for content in found:
            self.known.add(content.digest)
        for batch in _batches(found):
            await self.crew.take(partial(self._hash, batch))

    async def _shards(self) -> list[str]:
        """The directories that contents are spread over, in the order of digests."""
        places: list[str] = []
        for algorithm in await self._children(BLOBS):
            place = f"{BLOBS}/{algorithm.name}"
            if algorithm.kind != "directory" or algorithm.name not in HEX_LENGTHS:
                self._strange(place)
                continue
            for shard in await self._children(place):
                if shard.kind == "directory":
                    places.append(f"{place}/{shard.name}")
                else:
                    self._strange(f"{place}/{shard.name}")
        return places

    async def _children(self, place: str) -> list[Seen]:
        try:
            return await self.workers.run(children_or_none, self.survey, place)
        except StorageFailure as failure:
            self.examination.told(unreadable(place, str(failure)))
            return []

    def _strange(self, path: str) -> None:
        self.examination.told(unknown(path))

    def _listed(self, place: str) -> tuple[list[Stored], list[Finding]]:
        """The contents of a shard, and all else that is there. Blocks."""
        algorithm = place.split("/")[-2]
        found: list[Stored] = []
        strange: list[Finding] = []
        for child in children_or_none(self.survey, place):
            path = f"{place}/{child.name}"
            digest = digest_or_none(algorithm, child.name)
            if digest is None or child.kind != "directory":
                strange.append(unknown(path))
                continue
            try:
                inside = children_or_none(self.survey, path)
            except StorageFailure as failure:
                strange.append(unreadable(path, str(failure)))
                continue
            for seen in inside:
                if seen.name == "data" and seen.kind == "file":
                    found.append(Stored(digest, seen.size))
                else:
                    strange += beside(path, [seen], known=(), before=self.before)
        return found, strange

    # Hashes.

    async def _hash(self, batch: Sequence[Stored]) -> None:
        """Hash contents, and look more closely at those that seem damaged."""
        if batch[0].size > SMALL:
            wrong = list(batch)
        else:
            wrong = await self.workers.run(self._wrong, batch)
        for content in wrong:
            path = blob_data(content.digest)
            await self.examination.make(path, partial(self._check, content.digest))
        self.progress.contents += len(batch)
        self.progress.bytes += sum(content.size for content in batch)

    def _wrong(self, batch: Sequence[Stored]) -> list[Stored]:
        """Those that could not be read, or have another digest. Blocks."""
        return [content for content in batch if not self._is_true(content)]

    def _is_true(self, content: Stored) -> bool:
        try:
            data = self.survey.read(blob_data(content.digest), SMALL + 1)
        except (Absent, StorageFailure):
            return False
        return Digest.of(data, content.digest.algorithm) == content.digest

    async def _check(self, digest: Digest) -> list[Finding]:
        """Whether one content is true. Raises Absent."""
        path = blob_data(digest)
        seen = await self.workers.run(self.survey.look, path)
        hasher = new_hasher(digest.algorithm)
        size = await self.driver.digest_of(path, [hasher])
        actual = f"{digest.algorithm}:{hasher.hexdigest()}"
        if actual == str(digest) or seen is None:
            return []
        self.known.condemn(digest, seen)
        why = f"its {size} bytes have the digest {actual}"
        repair = SetAside("set it aside in the quarantine", digest)
        return [
            damage(
                Kind.CONTENT_DAMAGED,
                path,
                f"{why}; push {digest} again, which mends it in all repositories, or"
                f" restore the file from a backup",
                repair if digest.is_canonical else None,
            )
        ]


def _batches(contents: Sequence[Stored]) -> Iterator[Sequence[Stored]]:
    """Small contents together, each large one alone."""
    batch: list[Stored] = []
    size = 0
    for content in contents:
        if content.size > SMALL:
            yield [content]
            continue
        if batch and (size + content.size > TOGETHER or len(batch) >= MANY):
            yield batch
            batch, size = [], 0
        batch.append(content)
        size += content.size
    if batch:
        yield batch
