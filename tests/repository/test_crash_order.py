"""In which order things are written and removed, and what a crash in between leaves."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from pushing import (
    CONFIG,
    LAYER,
    NAME,
    Recording,
    append,
    commit,
    image,
    push_blob,
    push_manifest,
)
from twisted.internet.defer import Deferred

from registry.core.digest import Digest
from registry.core.errors import ManifestUnknown
from registry.core.name import Tag
from registry.repository.registry import Registry
from registry.storage.driver import Change, Driver, Move, StorageFailure
from registry.storage.memory import MemoryDriver
from registry.testing.results import result_of

Build = Callable[..., Registry]
BODY = image()
DIGEST = Digest.of(BODY)
LATEST = Tag("latest")
SHORT = {str(DIGEST.hex): "H", Digest.of(LAYER).hex: "L", Digest.of(CONFIG).hex: "C"}


def told(changes: Sequence[Change]) -> list[str]:
    """Changes, in short: what to which path, without the common parts."""
    return [_told(change) for change in changes]


def _told(change: Change) -> str:
    path = change.target if isinstance(change, Move) else change.path
    path = path.removeprefix("docker/registry/v2/").replace(f"repositories/{NAME}/", "")
    for digest, letter in SHORT.items():
        path = path.replace(f"sha256/{digest[:2]}/{digest}", letter)
        path = path.replace(f"sha256/{digest}", letter).replace(digest, letter)
    path = re.sub(r"sha512/[0-9a-f]{128}", "512", path)
    path = re.sub(r"[0-9a-f-]{36}", "ID", path)
    return f"{type(change).__name__} {path}"


@pytest.fixture
def recording(driver: Driver) -> Recording:
    return Recording(driver)


def test_a_session_starts_with_its_first_bytes_and_its_start_is_made_sure_of(
    recording: Recording, build: Build
) -> None:
    registry = build(recording)
    session = result_of(registry.uploads.start(NAME)).id
    assert recording.changes == []
    result_of(append(registry, session, b"1"))
    assert told(recording.changes) == [
        "Discard _uploads/ID",
        "Create _uploads/ID/startedat",
        "Create _uploads/ID/data",
        "Move _uploads/ID/startedat",
    ]
    result_of(append(registry, session, b"2"))
    assert len(recording.changes) == 4


def test_a_small_blob_needs_no_session_on_disk(
    recording: Recording, build: Build
) -> None:
    registry = build(recording)
    session = result_of(registry.uploads.start(NAME, algorithm="sha512")).id
    result_of(commit(registry, session, Digest.of(LAYER, "sha512"), LAYER))
    assert told(recording.changes) == [
        "Put blobs/L/data",
        "Put _layers/L/link",
        "Put _layers/512/link",
    ]


def test_a_blob_is_there_before_its_link_and_its_session_goes_last(
    recording: Recording, build: Build
) -> None:
    registry = build(recording)
    session = result_of(registry.uploads.start(NAME, algorithm="sha512")).id
    result_of(append(registry, session, LAYER))
    recording.changes.clear()
    result_of(commit(registry, session, Digest.of(LAYER, "sha512")))
    assert told(recording.changes) == [
        "Move blobs/L/data",
        "Put _layers/L/link",
        "Put _layers/512/link",
        "Discard _uploads/ID",
    ]


def test_a_manifest_is_there_before_its_links_and_an_index_before_its_tag(
    recording: Recording, build: Build
) -> None:
    registry = build(recording)
    for content in (CONFIG, LAYER):
        result_of(push_blob(registry, content))
    recording.changes.clear()
    result_of(push_manifest(registry, BODY, LATEST, tags=[Tag("v1")]))
    assert told(recording.changes) == [
        "Put blobs/H/data",
        "Put _manifests/revisions/H/link",
        "Put _manifests/tags/latest/index/H/link",
        "Put _manifests/tags/latest/current/link",
        "Put _manifests/tags/v1/index/H/link",
        "Put _manifests/tags/v1/current/link",
    ]


def test_tags_are_removed_before_the_revision_they_point_at(
    recording: Recording, build: Build
) -> None:
    registry = build(recording)
    for content in (CONFIG, LAYER):
        result_of(push_blob(registry, content))
    result_of(push_manifest(registry, BODY, Digest.of(BODY, "sha512"), tags=[LATEST]))
    result_of(push_manifest(registry, BODY, Tag("v1")))
    recording.changes.clear()
    result_of(registry.manifests.delete(NAME, DIGEST))
    assert told(recording.changes) == [
        "Remove _manifests/tags/latest",
        "Remove _manifests/tags/v1",
        "Remove _manifests/revisions/512",
        "Remove _manifests/revisions/H",
    ]


def test_a_repository_is_removed_from_the_tags_down(
    recording: Recording, build: Build
) -> None:
    registry = build(recording)
    for content in (CONFIG, LAYER):
        result_of(push_blob(registry, content))
    result_of(push_manifest(registry, BODY, LATEST))
    recording.changes.clear()
    result_of(registry.delete_repository(NAME))
    assert told(recording.changes) == [
        "Remove _manifests/tags",
        "Remove _manifests/revisions",
        "Remove _manifests",
        "Remove _layers",
        "Remove _uploads",
        "Remove repositories/team/app",
        "Remove repositories/team",
    ]


class PowerCut(Recording):
    """A driver that does ``left`` more changes and then nothing any more."""

    left = 1_000_000

    async def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if not self.left:
                raise StorageFailure("the power is out")
            self.left -= 1
            await super().apply([change])


async def pushing_and_deleting(registry: Registry) -> None:
    other = image(annotations={"number": "2"})
    for content in (CONFIG, LAYER):
        await push_blob(registry, content)
    await push_manifest(registry, BODY, LATEST, tags=[Tag("v1")])
    await push_manifest(registry, other, LATEST)
    await registry.manifests.delete(NAME, DIGEST)
    await push_manifest(registry, BODY, Digest.of(BODY, "sha512"), tags=[LATEST])
    await registry.tags.delete(NAME, LATEST)
    await registry.blobs.delete(NAME, Digest.of(LAYER))
    await registry.delete_repository(NAME)


async def check_all_that_is_named(registry: Registry) -> None:
    """Every tag leads to a manifest that is whole, every manifest is readable."""
    if not await registry.catalog.exists(NAME):
        return
    for text in await registry.tags.names(NAME):
        found = await registry.manifests.get(NAME, Tag(text))
        assert Digest.of(found.body, found.digest.algorithm) == found.digest
    for content in (CONFIG, LAYER):
        digest = Digest.of(content)
        if not await registry.blobs.missing(NAME, [digest]):
            _, opened = await registry.blobs.open(NAME, digest)
            assert await opened.read(0, opened.size) == content
    if await registry.catalog.names():
        for body in (BODY, image(annotations={"number": "2"})):
            try:
                found = await registry.manifests.get(NAME, Digest.of(body))
            except ManifestUnknown:
                continue
            assert found.body == body


def test_a_power_cut_between_any_two_changes_leaves_nothing_dangling(
    build: Build,
) -> None:
    counting = PowerCut(MemoryDriver())
    result_of(pushing_and_deleting(build(counting)))
    total = len(counting.changes)
    assert total > 25
    for done in range(total):
        cut = PowerCut(MemoryDriver())
        cut.left = done
        run = Deferred.fromCoroutine(pushing_and_deleting(build(cut)))
        run.addErrback(lambda failure: failure.trap(StorageFailure))
        result_of(check_all_that_is_named(build(cut)))
        # and the disk can be used again
        cut.left = total
        result_of(pushing_and_deleting(build(cut)))
