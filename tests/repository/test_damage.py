"""Damaged content is set aside, kept, told of, and replaced by the next push."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pushing import (
    CONFIG,
    LAYER,
    NAME,
    OTHER,
    Running,
    Slow,
    image,
    paths_below,
    push_blob,
    push_image,
    push_manifest,
)
from twisted.logger import capturedLogs, formatEvent

from registry.core.digest import Digest
from registry.core.errors import BlobUnknown, ManifestUnknown, Refusals
from registry.core.name import RepositoryName, Tag
from registry.repository.registry import Registry
from registry.storage.driver import Absent, Driver, Move, Put, Remove, StorageFailure
from registry.storage.filesystem import FilesystemDriver
from registry.storage.layout import (
    QUARANTINE,
    REPLACED,
    blob_data,
    revision_link,
    tag_current,
    tag_index,
)
from registry.storage.workers import Inline
from registry.testing.results import result_of
from registry.testing.watched_disk import Call, WatchedDisk

Build = Callable[..., Registry]
DIGEST = Digest.of(LAYER)
LARGE = LAYER * 10
LARGE_DIGEST = Digest.of(LARGE)
TORN = LARGE[:-7]
FLIPPED = LARGE.replace(b"l", b"L", 1)
BODY = image()


async def anyone(_name: RepositoryName) -> bool:
    return True


def put(driver: Driver, path: str, content: bytes) -> None:
    result_of(driver.apply([Put(path, content)]))


def damaged(driver: Driver, build: Build, content: bytes, damage: bytes) -> Registry:
    """A registry that was started after a blob of NAME was damaged."""
    result_of(push_blob(build(driver), content))
    put(driver, blob_data(Digest.of(content)), damage)
    return build(driver)


def set_aside(driver: Driver) -> list[tuple[dict[str, str], bytes]]:
    """What is in the quarantine: each record with its bytes."""
    try:
        paths = result_of(paths_below(driver, QUARANTINE))
    except Absent:
        return []
    records = [path for path in paths if path.endswith(".json")]
    return [
        (
            json.loads(result_of(driver.read(record))),
            result_of(driver.read(record.replace("record.json", "data"))),
        )
        for record in records
    ]


def whole(registry: Registry, name: RepositoryName, digest: Digest) -> bytes:
    _, content = result_of(registry.blobs.open(name, digest))
    read: bytes = result_of(content.read(0, content.size))
    content.close()
    return read


def test_damaged_content_is_kept_with_a_record_of_why(
    driver: Driver, build: Build
) -> None:
    registry = damaged(driver, build, LAYER, b"not a layer")
    with capturedLogs() as logged, pytest.raises(BlobUnknown):
        result_of(registry.blobs.open(NAME, DIGEST))
    [(record, data)] = set_aside(driver)
    assert data == b"not a layer"
    assert record["stored"] == str(DIGEST)
    assert record["path"] == blob_data(DIGEST)
    assert str(Digest.of(data)) in record["why"]
    assert "11 bytes" in record["why"]
    assert record["found"] == "a pull from team/app"
    assert record["time"] == "2026-01-02T03:04:05Z"
    [said] = map(formatEvent, logged)
    assert str(DIGEST) in said
    assert "push it again" in said


def test_what_is_missing_is_told_until_it_is_pushed_again(
    driver: Driver, build: Build
) -> None:
    registry = damaged(driver, build, LAYER, b"")
    assert registry.quarantine.concern() is None
    assert result_of(registry.blobs.missing(NAME, [DIGEST])) == [DIGEST]
    for running in (registry, build(driver)):
        result_of(running.quarantine.look())
        assert "missing now: 1" in (running.quarantine.concern() or "")
        assert running.quarantine.names() == [str(DIGEST)]
        assert running.quarantine.missing == 1
    result_of(push_blob(running, LAYER, OTHER))
    assert running.quarantine.concern() is None
    assert whole(running, NAME, DIGEST) == LAYER
    assert len(set_aside(driver)) == 1


@pytest.mark.parametrize("damage", [TORN, FLIPPED, b""])
def test_a_push_replaces_damage_and_the_damage_is_kept(
    driver: Driver, build: Build, damage: bytes
) -> None:
    registry = damaged(driver, build, LARGE, damage)
    result_of(push_blob(registry, LARGE, OTHER))
    assert whole(registry, NAME, LARGE_DIGEST) == LARGE
    result_of(registry.contents.judge_replaced())
    [(record, data)] = set_aside(driver)
    assert data == damage
    assert record["found"] == "a push that replaced it"
    assert registry.quarantine.concern() is None
    assert result_of(driver.names(REPLACED)) == []


def test_what_a_push_replaces_and_was_good_is_not_kept(
    driver: Driver, build: Build
) -> None:
    registry = damaged(driver, build, LARGE, LARGE)
    result_of(push_blob(registry, LARGE, OTHER))
    result_of(registry.contents.judge_replaced())
    assert set_aside(driver) == []
    assert result_of(driver.names(REPLACED)) == []


def test_a_push_of_what_was_verified_lately_keeps_nothing(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    for name in (NAME, OTHER):
        result_of(push_blob(registry, LARGE, name))
    with pytest.raises(Absent):
        result_of(driver.names(REPLACED))


def test_foreign_files_among_what_was_replaced_are_left_alone(
    driver: Driver, build: Build
) -> None:
    put(driver, f"{REPLACED}/notes.txt", b"mine")
    result_of(build(driver).contents.judge_replaced())
    assert result_of(driver.read(f"{REPLACED}/notes.txt")) == b"mine"


def test_large_content_shorter_than_when_it_was_measured_is_not_served(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    result_of(push_blob(registry, LARGE))
    put(driver, blob_data(LARGE_DIGEST), TORN)
    with pytest.raises(BlobUnknown):
        result_of(registry.blobs.open(NAME, LARGE_DIGEST))
    assert [data for _, data in set_aside(driver)] == [TORN]


def test_large_content_shorter_than_its_manifest_says_is_not_served(
    driver: Driver, build: Build
) -> None:
    result_of(push_blob(build(driver), LARGE))
    result_of(push_blob(build(driver), CONFIG))
    described = {"digest": str(LARGE_DIGEST), "size": len(LARGE), "mediaType": "a/b"}
    body = image(layers=[described])
    result_of(push_manifest(build(driver), body, Tag("v1")))
    put(driver, blob_data(LARGE_DIGEST), TORN)
    registry = build(driver)
    result_of(registry.manifests.get(NAME, Tag("v1")))
    with pytest.raises(BlobUnknown):
        result_of(registry.blobs.find(NAME, LARGE_DIGEST))
    mount = registry.blobs.mount(OTHER, LARGE_DIGEST, source=NAME, readable=anyone)
    assert result_of(mount) is None
    with pytest.raises(Refusals, match=str(LARGE_DIGEST)):
        result_of(push_manifest(build(driver), body))


def test_a_push_of_a_manifest_finds_a_layer_of_another_length(
    driver: Driver, build: Build
) -> None:
    registry = damaged(driver, build, LARGE, TORN)
    result_of(push_blob(registry, CONFIG))
    assert result_of(registry.blobs.find(NAME, LARGE_DIGEST)).size == len(TORN)
    described = {"digest": str(LARGE_DIGEST), "size": len(LARGE), "mediaType": "a/b"}
    with pytest.raises(Refusals, match=str(LARGE_DIGEST)):
        result_of(push_manifest(registry, image(layers=[described])))
    assert len(set_aside(driver)) == 1
    result_of(push_blob(registry, LARGE))
    result_of(push_manifest(registry, image(layers=[described])))


def test_a_manifest_that_lies_about_a_length_harms_nothing(
    driver: Driver, build: Build
) -> None:
    registry = damaged(driver, build, LARGE, LARGE)
    result_of(push_blob(registry, CONFIG))
    for size in (1, 10**15):
        described = {"digest": str(LARGE_DIGEST), "size": size, "mediaType": "a/b"}
        result_of(push_manifest(registry, image(layers=[described])))
        assert whole(registry, NAME, LARGE_DIGEST) == LARGE
    assert set_aside(driver) == []


def test_an_empty_blob_that_should_be_one_is_not_damaged(
    driver: Driver, build: Build
) -> None:
    result_of(push_blob(build(driver), b""))
    registry = build(driver, small_limit=0)
    assert whole(registry, NAME, Digest.of(b"")) == b""


def test_large_content_is_due_when_it_is_asked_for_and_was_not_pushed_just_now(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    result_of(push_blob(registry, LARGE))
    whole(registry, NAME, LARGE_DIGEST)
    assert registry.verified.next_due() is None
    later = build(driver)
    whole(later, NAME, LARGE_DIGEST)
    assert later.verified.next_due() == LARGE_DIGEST
    assert later.verified.next_due() is None
    assert result_of(later.contents.is_true(LARGE_DIGEST, found="a test"))
    whole(later, NAME, LARGE_DIGEST)
    assert later.verified.next_due() is None


def test_a_damaged_manifest_is_mended_by_a_push_though_it_was_in_memory(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    result_of(push_image(registry, BODY, Tag("v1")))
    digest, alias = Digest.of(BODY), Digest.of(BODY, "sha512")
    result_of(push_manifest(registry, BODY, alias))
    put(driver, blob_data(digest), b"{}")
    assert not result_of(registry.contents.is_true(digest, found="a test"))
    for reference in (digest, alias, Tag("v1")):
        with pytest.raises(ManifestUnknown):
            result_of(registry.manifests.get(NAME, reference))
    result_of(push_manifest(registry, BODY))
    for reference in (digest, alias, Tag("v1")):
        assert result_of(registry.manifests.get(NAME, reference)).body == BODY


def test_a_damaged_referrer_is_not_listed(driver: Driver, build: Build) -> None:
    result_of(push_image(build(driver), BODY))
    subject = Digest.of(BODY)
    referrer = image(subject=BODY, annotations={"key": "value"})
    result_of(push_manifest(build(driver), referrer))
    put(driver, blob_data(Digest.of(referrer)), referrer.replace(b"value", b"other"))
    assert result_of(build(driver).referrers.to(NAME, subject)) == []
    assert len(set_aside(driver)) == 1


class FullDisk(WatchedDisk):
    """A disk on which nothing can be made in the quarantine."""

    def __init__(self) -> None:
        def refuse(_number: int, call: Call) -> None:
            if QUARANTINE in call.path:
                raise OSError(28, os.strerror(28))

        super().__init__(interrupt=refuse)


def test_damage_that_cannot_be_set_aside_is_not_served_either(
    tmp_path: Path, build: Build
) -> None:
    driver = FilesystemDriver(disk=FullDisk(), workers=Inline(), root=str(tmp_path))
    registry = damaged(driver, build, LAYER, b"damage")
    with capturedLogs() as logged:
        for _ in range(2):
            with pytest.raises(BlobUnknown):
                result_of(registry.blobs.open(NAME, DIGEST))
            with pytest.raises(BlobUnknown):
                result_of(registry.blobs.find(NAME, DIGEST))
    assert "could not be set aside" in formatEvent(logged[0])
    assert result_of(driver.read(blob_data(DIGEST))) == b"damage"
    result_of(push_blob(registry, LAYER))
    assert whole(registry, NAME, DIGEST) == LAYER


@pytest.mark.parametrize("steps", range(12))
def test_a_push_that_comes_while_damage_is_set_aside_is_never_lost(
    driver: Driver, build: Build, steps: int
) -> None:
    result_of(push_blob(build(driver), LAYER))
    put(driver, blob_data(DIGEST), b"damage")
    slow = Slow(driver)
    registry = build(slow)
    reader = Running(registry.contents.is_true(DIGEST, found="a test"))
    for _ in range(steps):
        if slow.waiting:
            slow.step()
    push = Running(push_blob(registry, LAYER, OTHER))
    while slow.waiting:
        slow.step(-1)
    assert (reader.ended, push.error) == (True, None)
    for name in (NAME, OTHER):
        ended = Running(registry.blobs.open(name, DIGEST))
        slow.finish()
        assert ended.error is None
    assert result_of(driver.read(blob_data(DIGEST))) == LAYER


# Tags


def tag_moved(driver: Driver, build: Build, *bodies: bytes) -> str:
    """A tag that pointed at each of ``bodies`` in turn; the path of its link."""
    registry = build(driver)
    for body in bodies:
        result_of(push_image(registry, body, Tag("v1")))
    return tag_current(NAME, Tag("v1"))


@pytest.mark.parametrize("content", [b"", b"sha256:12", b"\0" * 71])
def test_a_torn_tag_points_at_the_newest_entry_of_its_index(
    driver: Driver, build: Build, content: bytes
) -> None:
    bodies = [image(annotations={"number": str(number)}) for number in range(5)]
    path = tag_moved(driver, build, *bodies, bodies[2])
    put(driver, path, content)
    registry = build(driver)
    with capturedLogs() as logged:
        for _ in range(2):
            found = result_of(registry.manifests.get(NAME, Tag("v1")))
            assert found.body == bodies[2]
    [said] = map(formatEvent, logged)
    assert path in said
    assert str(Digest.of(bodies[2])) in said


def test_a_torn_tag_whose_newest_entry_is_torn_too_goes_by_the_entrys_path(
    driver: Driver, build: Build
) -> None:
    path = tag_moved(driver, build, BODY)
    put(driver, tag_index(NAME, Tag("v1"), Digest.of(BODY)), b"")
    put(driver, path, b"")
    assert result_of(build(driver).manifests.get(NAME, Tag("v1"))).body == BODY


def test_a_torn_tag_is_damage_when_no_entry_is_certainly_the_newest(
    tmp_path: Path, build: Build
) -> None:
    root = tmp_path / "root"
    driver = FilesystemDriver(disk=WatchedDisk(), workers=Inline(), root=str(root))
    bodies = [image(annotations={"number": str(number)}) for number in range(2)]
    path = tag_moved(driver, build, *bodies)
    put(driver, path, b"")
    for body in bodies:
        entry = root / tag_index(NAME, Tag("v1"), Digest.of(body))
        os.utime(entry, (1_700_000_000, 1_700_000_000))
    with pytest.raises(StorageFailure, match=path):
        result_of(build(driver).manifests.get(NAME, Tag("v1")))


def test_a_torn_tag_whose_manifest_was_deleted_is_not_another_manifest(
    driver: Driver, build: Build
) -> None:
    """What it points at is gone; an older image would be an untruth."""
    older, newer = image(annotations={"number": "1"}), image(annotations={"a": "2"})
    put(driver, tag_moved(driver, build, older, newer), b"")
    result_of(driver.apply([Remove(revision_link(NAME, Digest.of(newer)))]))
    with pytest.raises(ManifestUnknown):
        result_of(build(driver).manifests.get(NAME, Tag("v1")))


def test_a_deleted_manifest_takes_its_torn_tags_along(
    driver: Driver, build: Build
) -> None:
    put(driver, tag_moved(driver, build, BODY), b"")
    registry = build(driver)
    result_of(registry.manifests.delete(NAME, Digest.of(BODY)))
    assert result_of(registry.tags.names(NAME)) == []


def test_what_is_kept_stays_as_it_was_when_the_push_fails(
    driver: Driver, build: Build
) -> None:
    registry = damaged(driver, build, LARGE, FLIPPED)
    moved = Move("nothing/here", blob_data(LARGE_DIGEST), keep=f"{REPLACED}/a")
    with pytest.raises(Absent, match="nothing/here"):
        result_of(driver.apply([moved]))
    assert result_of(driver.read(blob_data(LARGE_DIGEST))) == FLIPPED
    assert registry.quarantine.taken == 0
