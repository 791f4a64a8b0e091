"""Recovery: what is looked through after a run that did not end well.

While the registry already serves, one thing after the other:

1. Content that was written shortly before the last sign of life, or after it, is read
   through at a bounded rate; what is damaged is set aside.
2. Links are looked at: torn ones are mended where it is certain how (``mending.py``).
3. Leftovers are removed (``leftovers.py``).

Every act is a line in the log, and the sum is one. Once all was looked at without
trouble, the mark is told; until then the next start looks again.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from registry.core.digest import HEX_LENGTHS, Digest
from registry.core.name import RepositoryName, Tag
from registry.maintenance.leftovers import is_half_made, is_leftover
from registry.maintenance.names import digest_or_none, tag_or_none
from registry.maintenance.torn import LinksSeen, is_torn, look_at_links
from registry.maintenance.walk import repositories
from registry.repository.links import batches
from registry.repository.mending import Outcome
from registry.repository.registry import Registry
from registry.storage.driver import Discard, Driver, Pace, StorageFailure
from registry.storage.layout import (
    BLOBS,
    layer_link,
    layers,
    revision_link,
    revisions,
    tag_current,
    tag_index,
    tag_indexes,
    tags,
    upload,
    uploads,
)
from registry.storage.path import is_listed
from registry.storage.survey import Seen, Survey, children_or_none
from registry.storage.workers import Workers

TURN = 500
"""Directories that one worker turn looks into."""

Mend = Callable[[Digest], Coroutine[Deferred[Any], Any, Outcome]]


@attrs.define
class Recovered:
    """What a recovery did, in numbers."""

    verified: int = 0
    damaged: int = 0
    mended: int = 0
    beyond: int = 0
    leftovers: int = 0
    sessions: int = 0
    failed: int = 0


@attrs.frozen(kw_only=True)
class Recovery:
    """Looks through a store that was written until the process ended.

    ``since`` is the moment from which on nothing is taken for granted, ``before`` the
    start of this run: what was touched after it is nobody's leftover. ``checked`` is
    called at the end.
    """

    driver: Driver
    registry: Registry
    survey: Survey
    workers: Workers
    pace: Pace
    since: float
    before: float
    checked: Callable[[], Coroutine[Deferred[Any], Any, None]]
    _log: Logger = attrs.field(factory=Logger, init=False)
    done: Recovered = attrs.field(factory=Recovered, init=False)

    async def run(self) -> None:
        """Look at everything once."""
        self._log.info(
            "the last run did not end well: what was written since then is looked"
            " through in the background"
        )
        await self._contents()
        names = repositories(
            self.survey, self.workers, failed=self._failed, strange=_never_mind
        )
        async for name in names:
            await self._try(f"the repository {name}", self._repository, name)
        await self._try("_registry", self._sweep_flat, "_registry")
        if not self.done.failed:
            await self.checked()
        self._log.info(
            "recovery: {verified} contents verified, {damaged} damaged and set aside,"
            " {mended} links mended, {beyond} links that only a push can mend,"
            " {leftovers} temporary files and {sessions} half-made uploads removed,"
            " {failed} failures",
            **attrs.asdict(self.done),
        )

    # Contents.

    async def _contents(self) -> None:
        for algorithm in await self._directories(BLOBS):
            for shard in await self._directories(f"{BLOBS}/{algorithm}"):
                place = f"{BLOBS}/{algorithm}/{shard}"
                await self._try(place, self._shard, algorithm, place)

    async def _shard(self, algorithm: str, place: str) -> None:
        for names in batches(await self._directories(place), TURN):
            found = await self.workers.run(self._recent, place, names)
            await self.pace(0)
            for name, seen in found:
                if seen.name != "data":
                    await self._sweep(f"{place}/{name}", seen)
                elif algorithm == "sha256" and len(name) == HEX_LENGTHS["sha256"]:
                    path = f"{place}/{name}/data"
                    await self._try(path, self._verify, Digest(algorithm, name))

    def _recent(self, place: str, names: Sequence[str]) -> list[tuple[str, Seen]]:
        """Content that was written lately, and all that is none. Blocks."""
        return [
            (name, seen)
            for name in names
            for seen in children_or_none(self.survey, f"{place}/{name}")
            if seen.name != "data" or seen.changed >= self.since or not seen.size
        ]

    async def _verify(self, stored: Digest) -> None:
        found = "recovery after an unclean stop"
        contents = self.registry.contents
        if await contents.is_true(stored, found=found, pace=self.pace):
            self.done.verified += 1
        else:
            self.done.damaged += 1

    # Links.

    async def _repository(self, name: RepositoryName) -> None:
        mending = self.registry.mending
        await self._links(
            layers(name), partial(mending.layer, name), partial(layer_link, name)
        )
        await self._links(
            revisions(name),
            partial(mending.revision, name),
            partial(revision_link, name),
        )
        for text in await self._directories(tags(name)):
            if (tag := tag_or_none(text)) is not None:
                await self._try(f"the tag {tag} of {name}", self._tag, name, tag)
        for session in await self._children(uploads(name)):
            if _could_be_ours(session):
                await self._session(name, session)

    async def _links(
        self,
        directory: str,
        mend: Mend,
        path_of: Callable[[Digest], str],
        *,
        own: bool = False,
    ) -> None:
        for algorithm in await self._directories(directory):
            place = f"{directory}/{algorithm}"
            for names in batches(await self._directories(place), TURN):
                look = partial(look_at_links, since=self.since, own=own)
                found = await self.workers.run(look, self.survey, place, names)
                await self.pace(0)
                await self._mend_all(algorithm, found, mend, path_of)

    async def _mend_all(
        self,
        algorithm: str,
        found: LinksSeen,
        mend: Mend,
        path_of: Callable[[Digest], str],
    ) -> None:
        for place, seen in found.others:
            await self._sweep(place, seen)
        for text in found.torn:
            digest = digest_or_none(algorithm, text)
            if digest is not None:
                path = path_of(digest)
                await self._try(path, self._mend, path, partial(mend, digest))

    async def _mend(
        self, path: str, mend: Callable[[], Coroutine[Deferred[Any], Any, Outcome]]
    ) -> None:
        outcome = await mend()
        if outcome is Outcome.MENDED:
            self.done.mended += 1
            self._log.info("the torn link {path} was written again", path=path)
        elif outcome is Outcome.BEYOND:
            self.done.beyond += 1
            self._log.error(
                "the link {path} is torn and left as it is: nothing says for certain"
                " what belongs there; push what it names, or restore it from a backup",
                path=path,
            )

    async def _tag(self, name: RepositoryName, tag: Tag) -> None:
        mending = self.registry.mending
        await self._links(
            tag_indexes(name, tag),
            partial(mending.entry, name, tag),
            partial(tag_index, name, tag),
            own=True,
        )
        path = tag_current(name, tag)
        look = partial(is_torn, since=self.since)
        if await self.workers.run(look, self.survey, path):
            await self._mend(path, partial(mending.tag, name, tag))
        await self._sweep_flat(path.rpartition("/")[0])

    # Leftovers.

    async def _session(self, name: RepositoryName, session: Seen) -> None:
        place = upload(name, session.name)
        children = await self._children(place)
        if is_half_made(session, children, self.before):
            if await self.registry.unfinished.drop_half_made(name, session.name):
                self.done.sessions += 1
                self._log.info("the half-made upload {path} was removed", path=place)
            return
        for seen in children:
            await self._sweep(place, seen)

    async def _sweep_flat(self, place: str) -> None:
        for seen in await self._children(place):
            await self._sweep(place, seen)

    async def _sweep(self, place: str, seen: Seen) -> None:
        if is_leftover(seen, self.before):
            path = f"{place}/{seen.name}"
            await self.driver.apply([Discard(path)])
            self.done.leftovers += 1
            self._log.info("the temporary file {path} was removed", path=path)

    # The tree.

    async def _directories(self, path: str) -> list[str]:
        """Names of directories that could be ours."""
        return [s.name for s in await self._children(path) if _could_be_ours(s)]

    async def _children(self, path: str) -> list[Seen]:
        return await self.workers.run(children_or_none, self.survey, path)

    async def _try(
        self,
        what: str,
        step: Callable[..., Coroutine[Deferred[Any], Any, None]],
        *args: object,
    ) -> None:
        """Do one step; its failure is told, counted, and stops no other."""
        try:
            await step(*args)
        except StorageFailure as failure:
            self._failed(what, failure)

    def _failed(self, what: str, failure: StorageFailure) -> None:
        self.done.failed += 1
        self._log.error(
            "recovery: {what} could not be looked at: {failure}",
            what=what,
            failure=str(failure),
        )


def _could_be_ours(seen: Seen) -> bool:
    return seen.kind == "directory" and is_listed(seen.name, is_directory=True)


def _never_mind(path: str, why: str) -> None:
    """What is no part of a repository is for ``registry verify`` to tell."""
