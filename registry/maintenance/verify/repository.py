"""The check of repositories: links, manifests, tags, and what is beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import attrs

from registry.core.digest import Digest
from registry.core.name import RepositoryName
from registry.maintenance.leftovers import is_half_made
from registry.maintenance.links import target_of
from registry.maintenance.names import digest_or_none, tag_or_none
from registry.maintenance.verify.beside import beside, unknown
from registry.maintenance.verify.crew import Crew
from registry.maintenance.verify.examination import Examination
from registry.maintenance.verify.finding import (
    DropUpload,
    Finding,
    Kind,
    MendLayer,
    MendRevision,
    Repair,
    damage,
    note,
    unreadable,
)
from registry.maintenance.verify.known import KnownContents
from registry.maintenance.verify.manifests import ManifestCheck
from registry.maintenance.verify.progress import Counted, Progress
from registry.maintenance.verify.tags import TagCheck
from registry.repository.links import batches
from registry.storage.driver import Absent, StorageFailure
from registry.storage.layout import (
    blob_data,
    layer_link,
    layers,
    manifests,
    repository,
    revision_link,
    revisions,
    tags,
    uploads,
)
from registry.storage.path import is_listed
from registry.storage.survey import Survey, children_or_none
from registry.storage.workers import Workers

TURN = 200
"""Links, or tags, that one worker turn looks at."""

MANIFESTS = 20
"""Manifests that one worker turn looks at."""

REBUILD = "write the link again"

Link = Callable[[Digest], str]
Look = Callable[[str], list[Finding]]


@attrs.frozen(kw_only=True)
class RepositoryCheck:
    """Looks at repositories, when all contents are ``known``."""

    survey: Survey
    workers: Workers
    crew: Crew
    examination: Examination
    known: KnownContents
    manifest: ManifestCheck
    tag: TagCheck
    progress: Progress
    before: float

    async def run(self, name: RepositoryName) -> None:
        """Look at one repository; some of it may go on after this has returned."""
        for place in (repository(name), manifests(name)):
            look = partial(self._beside, place)
            await self.examination.make(place, partial(self.workers.run, look))
        await self._links(layers(name), partial(self._layer, name), "links")
        await self._links(revisions(name), partial(self._revision, name), "manifests")
        await self._take(tags(name), partial(self._tag, name), "tags")
        await self._take(uploads(name), partial(self._session, name), "uploads")
        self.progress.repositories += 1

    async def _links(
        self, directory: str, look: Callable[[str, str], list[Finding]], kind: Counted
    ) -> None:
        for algorithm in await self._names(directory):
            await self._take(f"{directory}/{algorithm}", partial(look, algorithm), kind)

    async def _take(self, directory: str, look: Look, kind: Counted) -> None:
        """Have the crew ``look`` at everything in a directory, by name."""
        size = MANIFESTS if kind == "manifests" else TURN
        for names in batches(await self._names(directory), size):
            await self.crew.take(partial(self._look_at, directory, names, look))
            self.progress.count(kind, len(names))

    async def _look_at(self, directory: str, names: Sequence[str], look: Look) -> None:
        """Look at some together; at each again by itself, where there is something."""
        for name, found in await self.workers.run(_looked, look, names):
            alone = partial(self.workers.run, look, name)
            await self.examination.make(f"{directory}/{name}", alone, found)

    async def _names(self, directory: str) -> list[str]:
        try:
            found = await self.workers.run(children_or_none, self.survey, directory)
        except StorageFailure as failure:
            self.examination.told(unreadable(directory, str(failure)))
            return []
        return [seen.name for seen in found]

    # Looks, which block.

    def _layer(self, name: RepositoryName, algorithm: str, text: str) -> list[Finding]:
        place = f"{layers(name)}/{algorithm}/{text}"
        digest = digest_or_none(algorithm, text)
        if digest is None:
            return [unknown(place)]
        path, repair = layer_link(name, digest), MendLayer(REBUILD, name, digest)
        _, found = self._link(name, path, digest, repair)
        return [*found, *self._beside_link(place)]

    def _revision(
        self, name: RepositoryName, algorithm: str, text: str
    ) -> list[Finding]:
        place = f"{revisions(name)}/{algorithm}/{text}"
        digest = digest_or_none(algorithm, text)
        if digest is None:
            return [unknown(place)]
        path, repair = revision_link(name, digest), MendRevision(REBUILD, name, digest)
        stored, found = self._link(name, path, digest, repair)
        if stored is not None and not found:
            found = self.manifest.findings(name, digest, stored)
        return [*found, *self._beside_link(place)]

    def _link(
        self, name: RepositoryName, path: str, digest: Digest, repair: Repair
    ) -> tuple[Digest | None, list[Finding]]:
        """Where a link leads to, and what is wrong with it."""
        try:
            stored = target_of(self.survey, path, digest)
        except Absent:
            return None, []  # an empty directory holds nothing
        if stored is None:
            return None, [_torn(path, digest, repair)]
        self.known.hold(stored)
        seen = self.survey.look(blob_data(stored))
        if self.known.is_good(stored, seen):
            return stored, []
        what = "missing" if seen is None else "damaged"
        message = (
            f"{name} holds {digest}, but its content is {what}; push it again, or"
            " restore it from a backup"
        )
        return stored, [damage(Kind.CONTENT_MISSING, path, message)]

    def _tag(self, name: RepositoryName, text: str) -> list[Finding]:
        place = f"{tags(name)}/{text}"
        tag = tag_or_none(text)
        return [unknown(place)] if tag is None else self.tag.findings(name, tag)

    def _session(self, name: RepositoryName, text: str) -> list[Finding]:
        place = f"{uploads(name)}/{text}"
        session = self.survey.look(place)
        if session is None:
            return []
        if session.kind != "directory" or not is_listed(text, is_directory=True):
            return [unknown(place)]
        children = children_or_none(self.survey, place)
        if is_half_made(session, children, self.before):
            repair = DropUpload("remove it", name, text)
            message = "what a crash left of an upload; --repair removes it"
            return [note(Kind.HALF_MADE_UPLOAD, place, message, repair)]
        known = {"data", "startedat", "hashstates"}
        return [*beside(place, children, known=known, before=self.before)]

    def _beside(self, place: str) -> list[Finding]:
        """What is in a repository and no part of it; nested ones are."""
        known = {"_layers", "_manifests", "_uploads", "revisions", "tags"}
        children = children_or_none(self.survey, place)
        ours = [s for s in children if s.name.startswith("_") or s.kind != "directory"]
        return [*beside(place, ours, known=known, before=self.before)]

    def _beside_link(self, place: str) -> list[Finding]:
        children = children_or_none(self.survey, place)
        return [*beside(place, children, known={"link"}, before=self.before)]


def _looked(look: Look, names: Sequence[str]) -> list[tuple[str, list[Finding] | None]]:
    """Those with findings; None where the look failed and is to be made again."""
    found: list[tuple[str, list[Finding] | None]] = []
    for name in names:
        try:
            findings = look(name)
        except Absent:
            continue
        except StorageFailure:
            found.append((name, None))
        else:
            if findings:
                found.append((name, findings))
    return found


def _torn(path: str, digest: Digest, repair: Repair) -> Finding:
    message = "the link does not hold the digest that belongs there"
    if digest.is_canonical:
        told = f"{message}; --repair writes it again, or push {digest}"
        return damage(Kind.LINK_TORN, path, told, repair)
    return damage(Kind.LINK_TORN, path, f"{message}; push {digest} again")
