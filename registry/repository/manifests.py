"""Manifests: pushed, read, deleted, all under the lock of their repository.

Order on disk. A push writes content, revision links, then for each tag its index and
its current link; a crash leaves garbage at worst. A delete removes the tags that point
at the manifest and then its revision links, so no tag ever points at nothing.

Spec: distribution end-3, end-7 and end-9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from registry.core.digest import Digest
from registry.core.errors import (
    ManifestBlobUnknown,
    ManifestUnknown,
    Refusals,
    RegistryError,
)
from registry.core.manifest import Manifest
from registry.core.name import Reference, RepositoryName, Tag
from registry.core.rules import ReferenceRules
from registry.repository.blobs import Blobs
from registry.repository.catalog import Catalog
from registry.repository.contents import Contents
from registry.repository.damage import Damaged, LinkCorrupt
from registry.repository.finished import finished
from registry.repository.locks import Locks
from registry.repository.nesting import Nesting
from registry.repository.presence import Presence
from registry.repository.push import Push, Pushed, checked_push
from registry.repository.referrers import Referrers
from registry.repository.revisions import Revisions, StoredManifest
from registry.repository.tags import Tags
from registry.storage.driver import Change, Driver, Put
from registry.storage.layout import blob_data
from registry.storage.workers import Workers

__all__ = ["Manifests", "MayReplace", "Pushed", "StoredManifest"]

AT_ONCE = 64 * 1024
"""Bytes up to which a manifest is checked at once: about a millisecond's work."""

MayReplace = Callable[[Digest | None], None]
"""Raises PreconditionFailed unless what is there now may be replaced."""


class Manifests:
    """The manifests of all repositories, with the tags and referrers that follow."""

    def __init__(
        self,
        *,
        driver: Driver,
        contents: Contents,
        revisions: Revisions,
        blobs: Blobs,
        tags: Tags,
        referrers: Referrers,
        catalog: Catalog,
        rules: ReferenceRules,
        locks: Locks,
        presence: Presence,
        workers: Workers,
        nesting: Nesting,
        json_depth: int,
    ) -> None:
        self._driver = driver
        self._contents = contents
        self._revisions = revisions
        self._blobs = blobs
        self._tags = tags
        self._referrers = referrers
        self._catalog = catalog
        self._rules = rules
        self._locks = locks
        self._presence = presence
        self._workers = workers
        self._nesting = nesting
        self._json_depth = json_depth

    def rule_by(self, rules: ReferenceRules, *, json_depth: int) -> None:
        """Demand of manifests what ``rules`` say from now on, and ``json_depth``."""
        self._rules = rules
        self._nesting.limit = rules.index_depth
        self._json_depth = json_depth

    async def get(self, name: RepositoryName, reference: Reference) -> StoredManifest:
        """The manifest that a tag or digest names. Raises ManifestUnknown."""
        if not isinstance(reference, Tag):
            return await self._revisions.find(name, reference)
        digest = await self._tags.resolve(name, reference)
        while True:
            try:
                return await self._revisions.find(name, digest)
            except Damaged as damage:
                damage.what = f"{digest}, which the tag {reference} points at,"
                raise
            except ManifestUnknown:
                # the tag may have moved, and what it pointed at been deleted, since
                before, digest = digest, await self._tags.resolve(name, reference)
                if digest == before:
                    raise

    async def put(
        self,
        name: RepositoryName,
        reference: Reference,
        *,
        tags: Sequence[Tag],
        body: bytes,
        content_type: str | None,
        may_replace: MayReplace | None,
    ) -> Pushed:
        """Let the repository hold a manifest, and point tags at it.

        ``may_replace`` is asked, when nobody else can come between, with what each of
        the tags points at now, or, without any tag, with the digest if the repository
        holds it. Raises ManifestInvalid, DigestInvalid, PreconditionFailed,
        or Refusals with one ManifestBlobUnknown for everything that has to be pushed
        first.
        """
        check = partial(
            checked_push, body, content_type, reference, tags, depth=self._json_depth
        )
        push = check() if len(body) <= AT_ONCE else await self._workers.run(check)
        await finished(self._put(name, push, may_replace))
        return push.done

    async def delete(self, name: RepositoryName, digest: Digest) -> None:
        """Let the repository hold the manifest no longer, under any digest.

        Tags that point at it are removed with it. Raises ManifestUnknown.
        """
        await finished(self._delete(name, digest))

    async def _put(
        self,
        name: RepositoryName,
        push: Push,
        may_replace: MayReplace | None,
    ) -> None:
        async with self._locks.hold(name.text):
            if may_replace is not None:
                for named in push.tags or [push.digest]:
                    may_replace(await self._current(name, named))
            await self._require_references(name, push.manifest)
            changes = await self._revisions.changes_to_add(name, push)
            for tag in push.tags:
                changes += self._tags.changes_to_point(name, tag, push.digest)
            try:
                async with (
                    self._presence.within(name),
                    self._contents.writing(push.stored),
                ):
                    await self._driver.apply(changes)
                    if _writes_content(changes, push):
                        self._contents.written(push.stored)
                    self._remember(name, push)
            except BaseException:
                self._doubt(name, push)
                raise

    async def _current(
        self, name: RepositoryName, reference: Reference
    ) -> Digest | None:
        """What ``reference`` names now. A torn link names nothing: pushing mends it."""
        try:
            if isinstance(reference, Tag):
                return await self._tags.resolve(name, reference)
            absent = await self._revisions.missing(name, [reference])
        except (ManifestUnknown, LinkCorrupt):
            return None
        return None if absent else reference

    async def _require_references(
        self, name: RepositoryName, manifest: Manifest
    ) -> None:
        refusals: list[RegistryError] = [*self._rules.check_urls(manifest)]
        refusals += [_not_here(d) for d in await self._missing(name, manifest)]
        if refusals:
            raise Refusals(refusals)
        await self._nesting.check(name, manifest.children)

    async def _missing(self, name: RepositoryName, manifest: Manifest) -> list[Digest]:
        """What has to be pushed before ``manifest``."""
        blobs = [d.digest for d in self._rules.required_blobs(manifest)]
        children = [d.digest for d in self._rules.required_manifests(manifest)]
        # BuildKit's cache is an index whose children are layers: either will do
        self._blobs.told(self._rules.required_blobs(manifest))
        absent = await self._revisions.missing(name, children)
        return await self._blobs.missing(name, [*blobs, *absent])

    def _remember(self, name: RepositoryName, push: Push) -> None:
        self._blobs.rewritten(push.stored)
        self._revisions.added(name, push)
        for tag in push.tags:
            self._tags.pointed(name, tag, push.digest)
        self._referrers.added(name, push)
        self._catalog.added(name)

    def _doubt(self, name: RepositoryName, push: Push) -> None:
        self._blobs.rewritten(push.stored)
        self._revisions.drop(name, push.names)
        self._tags.doubt(name, push.tags)
        self._referrers.forget(name)
        self._catalog.doubt(name)

    async def _delete(self, name: RepositoryName, digest: Digest) -> None:
        async with self._locks.hold(name.text):
            digests = await self._revisions.names_of(name, digest)
            if not digests:
                await self._driver.settle()
                raise ManifestUnknown(detail={"digest": str(digest)})
            tags = await self._tags.pointing_at(name, digests)
            try:
                await self._driver.apply(self._changes_to_remove(name, tags, digests))
            except BaseException:
                self._tags.doubt(name, tags)
                self._referrers.forget(name)
                raise
            finally:
                self._revisions.drop(name, digests)
                self._catalog.doubt(name)
            self._referrers.removed(name, digests)
            for tag in tags:
                self._tags.removed(name, tag)

    def _changes_to_remove(
        self, name: RepositoryName, tags: Sequence[Tag], digests: Sequence[Digest]
    ) -> list[Change]:
        changes: list[Change] = []
        for tag in tags:
            changes += self._tags.changes_to_remove(name, tag)
        return changes + self._revisions.changes_to_remove(name, digests)


def _writes_content(changes: Sequence[Change], push: Push) -> bool:
    path = blob_data(push.stored)
    return any(isinstance(one, Put) and one.path == path for one in changes)


def _not_here(digest: Digest) -> ManifestBlobUnknown:
    return ManifestBlobUnknown(
        f"the manifest refers to {digest}, which is not in this repository; push that"
        f" first",
        detail=str(digest),
    )
