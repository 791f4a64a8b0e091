"""Referrers: manifests that name another manifest as their subject.

Nothing on disk lists them but the manifests themselves. So the first question about a
repository reads all its manifests, whoever wrote them and whichever came first, and
from then on pushes and deletes keep the answer exact. What clients list in a fallback
tag is a manifest of the repository too, so it is found the same way.

Spec: distribution end-12a and "Enabling the Referrers API".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs

from registry.core.descriptor import Descriptor
from registry.core.digest import Digest
from registry.core.errors import ManifestInvalid
from registry.core.manifest import Manifest, parse_manifest, stored_media_type
from registry.core.name import RepositoryName
from registry.core.referrer import referrer_descriptor
from registry.repository.cache import Cache
from registry.repository.contents import Contents
from registry.repository.links import batches, follow_intact, named_below
from registry.repository.locks import Locks
from registry.repository.push import Push
from registry.storage.driver import Driver
from registry.storage.layout import blob_data, revision_link, revisions

READ_LIMIT = 1024 * 1024
"""Bytes of manifests that are read, and then parsed, in one go."""

ENTRY_COST = 1000
"""Bytes of memory that a remembered referrer takes beside its annotations."""


@attrs.define
class Index:
    """The referrers of one repository, by subject and then by where they are stored."""

    by_subject: dict[Digest, dict[Digest, Descriptor]] = attrs.field(factory=dict)
    subjects: dict[Digest, Digest] = attrs.field(factory=dict)
    cost: int = 0

    def add(self, subject: Digest, stored: Digest, descriptor: Descriptor) -> None:
        """One more. A manifest known by two digests is listed once, by the longer."""
        listed = self.by_subject.setdefault(subject, {})
        known = listed.get(stored)
        if known is None or known.digest < descriptor.digest:
            listed[stored] = descriptor
        if known is None:
            self.cost += _cost(descriptor)
        self.subjects[stored] = subject

    def remove(self, stored: Digest) -> None:
        """One less."""
        subject = self.subjects.pop(stored, None)
        if subject is not None:
            listed = self.by_subject[subject]
            self.cost -= _cost(listed.pop(stored))
            if not listed:
                del self.by_subject[subject]


class Referrers:
    """The referrers of all repositories."""

    def __init__(
        self,
        *,
        driver: Driver,
        indexes: Cache[str, Index],
        locks: Locks,
        contents: Contents,
    ) -> None:
        self._driver = driver
        self._contents = contents
        self._indexes = indexes
        self._locks = locks

    async def to(self, name: RepositoryName, subject: Digest) -> Sequence[Descriptor]:
        """All that refer to ``subject``, which need not exist, sorted by digest."""
        index = self._indexes.get(name.text)
        if index is None:
            async with self._locks.hold(name.text):
                index = await self._index(name)
        listed = index.by_subject.get(subject, {})
        return sorted(listed.values(), key=lambda descriptor: descriptor.digest)

    def added(self, name: RepositoryName, push: Push) -> None:
        """A manifest was pushed. Hold the repository's lock."""
        index = self._indexes.get(name.text)
        if index is not None:
            _note(index, push.manifest, push.digest, push.stored)
            self._indexes.put(name.text, index, index.cost)

    def removed(self, name: RepositoryName, digests: Sequence[Digest]) -> None:
        """The manifest with these digests was deleted. Hold the repository's lock."""
        index = self._indexes.get(name.text)
        if index is not None:
            for digest in digests:
                index.remove(digest)

    def lost(self, _stored: Digest) -> None:
        """Content is gone from under all repositories, which may be a referrer's."""
        self._indexes.drop_where(lambda _: True)

    def forget(self, name: RepositoryName) -> None:
        """``name`` was removed, or changed in a way that has to be read."""
        self._indexes.drop(name.text)

    async def _index(self, name: RepositoryName) -> Index:
        index = self._indexes.get(name.text)
        if index is None:
            index = await self._read(name)
            self._indexes.put(name.text, index, index.cost)
        return index

    async def _read(self, name: RepositoryName) -> Index:
        index = Index()
        for digests in batches(await named_below(self._driver, revisions(name))):
            path_of = partial(revision_link, name)
            links = await follow_intact(self._driver, digests, path_of)
            await self._read_manifests(links, index)
        return index

    async def _read_manifests(
        self, links: Sequence[tuple[Digest, Digest]], index: Index
    ) -> None:
        sizes = await self._driver.sizes([blob_data(stored) for _, stored in links])
        for part in _parts(links, sizes):
            bodies = await self._driver.read_many([blob_data(s) for _, s in part])
            for (digest, stored), body in zip(part, bodies, strict=True):
                manifest = _referring(body)
                if manifest is not None and await self._is_true(stored, manifest):
                    _note(index, manifest, digest, stored)

    async def _is_true(self, stored: Digest, manifest: Manifest) -> bool:
        """Whether the manifest is what it should be; a damaged one refers to nothing.

        Few manifests have a subject, and those are small.
        """
        if Digest.of(manifest.body) == stored:
            return True
        return await self._contents.is_true(stored, found="a question for referrers")


def _note(index: Index, manifest: Manifest, digest: Digest, stored: Digest) -> None:
    if manifest.subject is not None:
        descriptor = referrer_descriptor(manifest, digest)
        index.add(manifest.subject.digest, stored, descriptor)


def _parts(
    links: Sequence[tuple[Digest, Digest]], sizes: Sequence[int | None]
) -> list[list[tuple[Digest, Digest]]]:
    """``links`` whose content is there, in parts of about READ_LIMIT bytes."""
    parts: list[list[tuple[Digest, Digest]]] = [[]]
    room = READ_LIMIT
    for link, size in zip(links, sizes, strict=True):
        if size is None:
            continue
        if size > room and parts[-1]:
            parts.append([])
            room = READ_LIMIT
        parts[-1].append(link)
        room -= size
    return [part for part in parts if part]


def _referring(body: bytes | None) -> Manifest | None:
    """The manifest, if it has a subject. One that cannot be read refers to nothing."""
    if body is None or (b'"subject"' not in body and b"\\u" not in body):
        return None
    try:
        return parse_manifest(body, stored_media_type(body))
    except ManifestInvalid:
        return None


def _cost(descriptor: Descriptor) -> int:
    texts = descriptor.annotations.items()
    return ENTRY_COST + sum(len(key) + len(value) for key, value in texts)
