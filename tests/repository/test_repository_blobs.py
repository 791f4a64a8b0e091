from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from pushing import (
    LAYER,
    NAME,
    OTHER,
    Asking,
    Recording,
    image,
    push_blob,
    push_image,
    push_manifest,
)
from twisted.logger import capturedLogs, formatEvent

from registry.core.digest import Digest
from registry.core.errors import BlobUnknown
from registry.core.name import RepositoryName
from registry.repository.registry import Registry
from registry.storage.driver import Driver, Put, Remove, StorageFailure
from registry.storage.layout import blob_data, layer_link
from registry.testing.results import result_of

DIGEST = Digest.of(LAYER)
Build = Callable[..., Registry]


async def anyone(_name: RepositoryName) -> bool:
    return True


async def nobody(_name: RepositoryName) -> bool:
    return False


def test_a_pushed_blob_is_found_and_read(registry: Registry) -> None:
    result_of(push_blob(registry, LAYER))
    blob, content = result_of(registry.blobs.open(NAME, DIGEST))
    assert (blob.digest, blob.stored, blob.size) == (DIGEST, DIGEST, len(LAYER))
    assert result_of(content.read(0, content.size)) == LAYER


def test_a_small_blob_is_held_in_memory_and_a_larger_one_is_not_cached(
    driver: Driver, build: Build
) -> None:
    registry = build(driver, small_limit=len(LAYER))
    result_of(push_blob(registry, LAYER))
    result_of(push_blob(registry, LAYER + b"!"))
    _, first = result_of(registry.blobs.open(NAME, DIGEST))
    _, again = result_of(registry.blobs.open(NAME, DIGEST))
    assert first.held == LAYER
    assert first is again
    _, large = result_of(registry.blobs.open(NAME, Digest.of(LAYER + b"!")))
    _, large_again = result_of(registry.blobs.open(NAME, Digest.of(LAYER + b"!")))
    assert large is not large_again
    large.close()
    large_again.close()


def test_a_blob_is_of_the_repository_it_was_pushed_to(registry: Registry) -> None:
    result_of(push_blob(registry, LAYER))
    with pytest.raises(BlobUnknown):
        result_of(registry.blobs.find(OTHER, DIGEST))


def test_a_new_process_finds_what_is_on_disk(driver: Driver, build: Build) -> None:
    result_of(push_blob(build(driver), LAYER))
    assert result_of(build(driver).blobs.find(NAME, DIGEST)).size == len(LAYER)


def test_a_blob_pushed_as_sha512_is_served_as_that_and_as_sha256(
    driver: Driver, build: Build
) -> None:
    alias = Digest.of(LAYER, "sha512")
    result_of(push_blob(build(driver), LAYER, algorithm="sha512"))
    for registry in (build(driver), build(driver, cache_bytes=0)):
        blob = result_of(registry.blobs.find(NAME, alias))
        assert (blob.digest, blob.stored) == (alias, DIGEST)
        assert result_of(registry.blobs.find(NAME, DIGEST)).digest == DIGEST


def test_a_link_without_bytes_is_an_unknown_blob(driver: Driver, build: Build) -> None:
    result_of(push_blob(build(driver), LAYER))
    result_of(driver.apply([Remove(blob_data(DIGEST))]))
    with pytest.raises(BlobUnknown, match="missing from storage"):
        result_of(build(driver).blobs.find(NAME, DIGEST))
    assert result_of(build(driver).blobs.missing(NAME, [DIGEST])) == [DIGEST]


def test_bytes_that_vanish_under_a_known_blob_are_reported(
    driver: Driver, build: Build
) -> None:
    registry = build(driver, small_limit=0)
    result_of(push_blob(registry, LAYER))
    result_of(driver.apply([Remove(blob_data(DIGEST))]))
    with pytest.raises(BlobUnknown, match="missing from storage"):
        result_of(registry.blobs.open(NAME, DIGEST))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        str(DIGEST).encode()[:-1],
        str(DIGEST).encode() + b"\n",
        str(Digest.of(b"another")).encode(),
        str(Digest.of(LAYER, "sha512")).encode(),
        b"\xff\xfe",
    ],
    ids=["empty", "torn", "newline", "of another", "of another algorithm", "binary"],
)
def test_a_corrupt_link_is_a_failure_that_names_it_and_never_absence(
    driver: Driver, build: Build, content: bytes
) -> None:
    result_of(push_blob(build(driver), LAYER))
    path = layer_link(NAME, DIGEST)
    result_of(driver.apply([Put(path, content)]))
    registry = build(driver)
    with pytest.raises(StorageFailure, match=path):
        result_of(registry.blobs.find(NAME, DIGEST))
    with pytest.raises(StorageFailure, match=path):
        result_of(registry.blobs.missing(NAME, [DIGEST]))
    result_of(push_blob(registry, LAYER))
    assert result_of(registry.blobs.find(NAME, DIGEST)).size == len(LAYER)


def test_an_alias_that_does_not_lead_to_a_sha256_is_corrupt(
    driver: Driver, build: Build
) -> None:
    alias = Digest.of(LAYER, "sha512")
    path = layer_link(NAME, alias)
    result_of(driver.apply([Put(path, str(alias).encode())]))
    with pytest.raises(StorageFailure, match=path):
        result_of(build(driver).blobs.find(NAME, alias))


def test_missing_names_each_missing_digest_once_and_in_order(
    registry: Registry,
) -> None:
    result_of(push_blob(registry, LAYER))
    one, two = Digest.of(b"1"), Digest.of(b"2", "sha512")
    assert result_of(registry.blobs.missing(NAME, [two, DIGEST, one, two])) == [
        two,
        one,
    ]


def test_a_deleted_blob_is_gone_under_every_digest(
    driver: Driver, build: Build
) -> None:
    alias = Digest.of(LAYER, "sha512")
    for asked in (DIGEST, alias):
        registry = build(driver)
        result_of(push_blob(registry, LAYER, algorithm="sha512"))
        result_of(registry.blobs.delete(NAME, asked))
        for fresh in (registry, build(driver)):
            assert result_of(fresh.blobs.missing(NAME, [DIGEST, alias])) == [
                DIGEST,
                alias,
            ]
        with pytest.raises(BlobUnknown):
            result_of(registry.blobs.delete(NAME, asked))


def test_a_deleted_blob_stays_in_other_repositories(registry: Registry) -> None:
    for name in (NAME, OTHER):
        result_of(push_blob(registry, LAYER, name))
    result_of(registry.blobs.delete(NAME, DIGEST))
    assert result_of(registry.blobs.find(OTHER, DIGEST)).size == len(LAYER)


def test_a_blob_with_a_torn_link_can_be_deleted(driver: Driver, build: Build) -> None:
    result_of(push_blob(build(driver), LAYER))
    result_of(driver.apply([Put(layer_link(NAME, DIGEST), b"")]))
    registry = build(driver)
    result_of(registry.blobs.delete(NAME, DIGEST))
    with pytest.raises(BlobUnknown):
        result_of(registry.blobs.find(NAME, DIGEST))


def mounted(
    registry: Registry,
    digest: Digest,
    source: RepositoryName | None,
    readable: Callable[[RepositoryName], Awaitable[bool]] = anyone,
) -> Digest | None:
    blob = result_of(
        registry.blobs.mount(OTHER, digest, source=source, readable=readable)
    )
    return blob and blob.digest


@pytest.mark.parametrize("source", [NAME, None], ids=["named", "anonymous"])
def test_a_mount_lets_a_repository_hold_what_another_holds(
    registry: Registry, source: RepositoryName | None
) -> None:
    result_of(push_blob(registry, LAYER))
    assert mounted(registry, DIGEST, source) == DIGEST
    result_of(registry.blobs.delete(NAME, DIGEST))
    assert result_of(registry.blobs.find(OTHER, DIGEST)).size == len(LAYER)


@pytest.mark.parametrize("source", [NAME, None], ids=["named", "anonymous"])
def test_a_mount_by_sha512_makes_both_links(
    driver: Driver, build: Build, source: RepositoryName | None
) -> None:
    alias = Digest.of(LAYER, "sha512")
    result_of(push_blob(build(driver), LAYER, algorithm="sha512"))
    assert mounted(build(driver), alias, source) == alias
    links = [layer_link(OTHER, digest) for digest in (DIGEST, alias)]
    assert result_of(driver.read_many(links)) == [str(DIGEST).encode()] * 2


def test_a_mount_from_where_the_caller_may_not_read_finds_nothing(
    registry: Registry,
) -> None:
    result_of(push_blob(registry, LAYER))
    assert mounted(registry, DIGEST, NAME, nobody) is None
    assert mounted(registry, DIGEST, None, nobody) is None


def test_a_mount_of_what_is_nowhere_finds_nothing(registry: Registry) -> None:
    result_of(push_blob(registry, LAYER))
    assert mounted(registry, Digest.of(b"nowhere"), NAME) is None
    assert mounted(registry, Digest.of(b"nowhere"), None) is None
    assert mounted(registry, Digest.of(b"nowhere", "sha512"), None) is None


def test_a_mount_of_what_is_held_already_succeeds_and_writes_nothing(
    driver: Driver, build: Build
) -> None:
    recording = Recording(driver)
    registry = build(recording)
    result_of(push_blob(registry, LAYER, OTHER))
    recording.changes.clear()
    assert mounted(registry, DIGEST, NAME, nobody) == DIGEST
    assert recording.changes == []


def test_an_anonymous_mount_sees_repositories_made_after_the_catalog_was_read(
    registry: Registry,
) -> None:
    assert result_of(registry.catalog.holders()) == []
    result_of(push_blob(registry, LAYER))
    assert mounted(registry, DIGEST, None) == DIGEST


def test_an_anonymous_mount_passes_by_a_torn_link(driver: Driver, build: Build) -> None:
    for name in (NAME, OTHER):
        result_of(push_blob(build(driver), LAYER, name))
    path = layer_link(min(NAME, OTHER, key=str), DIGEST)
    result_of(driver.apply([Put(path, b"")]))
    registry, third = build(driver), RepositoryName("third")
    with capturedLogs() as logged:
        mount = registry.blobs.mount(third, DIGEST, source=None, readable=anyone)
        assert result_of(mount)
    assert [path in formatEvent(event) for event in logged] == [True]


DAMAGES = [LAYER[:10], LAYER.replace(b"l", b"L", 1), LAYER + b"!", b""]
NAMES = ["cut off", "another byte", "too long", "empty"]


def content_of(registry: Registry, name: RepositoryName, digest: Digest) -> bytes:
    blob, content = result_of(registry.blobs.open(name, digest))
    assert blob.size == content.size
    read: bytes = result_of(content.read(0, content.size))
    content.close()
    return read


@pytest.mark.parametrize("damage", DAMAGES, ids=NAMES)
def test_damaged_small_content_is_not_served_until_a_push_mends_it_everywhere(
    driver: Driver, build: Build, damage: bytes
) -> None:
    result_of(push_blob(build(driver), LAYER))
    result_of(driver.apply([Put(blob_data(DIGEST), damage)]))
    registry = build(driver)
    for _ in range(2):
        with pytest.raises(BlobUnknown, match="push the blob again"):
            result_of(registry.blobs.open(NAME, DIGEST))
        with pytest.raises(BlobUnknown):
            result_of(registry.blobs.find(NAME, DIGEST))
        assert result_of(registry.blobs.missing(NAME, [DIGEST])) == [DIGEST]
    result_of(push_blob(registry, LAYER, OTHER))
    for name in (NAME, OTHER):
        assert result_of(registry.blobs.find(name, DIGEST)).size == len(LAYER)
        assert content_of(registry, name, DIGEST) == LAYER


def test_a_push_corrects_the_size_of_large_content_in_every_repository(
    driver: Driver, build: Build
) -> None:
    large = LAYER * 10
    digest, alias = Digest.of(large), Digest.of(large, "sha512")
    result_of(push_blob(build(driver), large, algorithm="sha512"))
    result_of(driver.apply([Put(blob_data(digest), large[:-7])]))
    registry = build(driver)
    for named in (digest, alias):
        assert result_of(registry.blobs.find(NAME, named)).size == len(large) - 7
    result_of(push_blob(registry, large, OTHER))
    for name, named in ((NAME, digest), (NAME, alias), (OTHER, digest)):
        assert content_of(registry, name, named) == large


def test_damage_that_was_mended_on_disk_is_served_at_once(
    driver: Driver, build: Build
) -> None:
    result_of(push_blob(build(driver), LAYER))
    result_of(driver.apply([Put(blob_data(DIGEST), DAMAGES[1])]))
    registry = build(driver)
    with pytest.raises(BlobUnknown):
        result_of(registry.blobs.open(NAME, DIGEST))
    result_of(driver.apply([Put(blob_data(DIGEST), LAYER)]))
    assert content_of(registry, NAME, DIGEST) == LAYER


def test_a_push_of_a_manifest_mends_the_blob_that_has_its_bytes(
    driver: Driver, build: Build
) -> None:
    body = image()
    digest = Digest.of(body)
    result_of(push_image(build(driver), body))
    result_of(push_blob(build(driver), body, OTHER))
    result_of(driver.apply([Put(blob_data(digest), body[:9])]))
    registry = build(driver)
    assert result_of(registry.blobs.find(OTHER, digest)).size == 9
    result_of(push_manifest(registry, body))
    assert content_of(registry, OTHER, digest) == body


def test_descriptors_are_remembered_up_to_a_number(
    driver: Driver, build: Build
) -> None:
    result_of(push_blob(build(driver), LAYER))
    result_of(push_blob(build(driver), LAYER * 2))
    for entries, asked_again in ((1, True), (2, False), (0, False)):
        asking = Asking(driver)
        registry = build(asking, entries=entries)
        for content in (LAYER, LAYER * 2):
            result_of(registry.blobs.find(NAME, Digest.of(content)))
        asking.asked.clear()
        result_of(registry.blobs.find(NAME, DIGEST))
        assert bool(asking.asked) is asked_again


def test_content_in_memory_is_read_in_parts(registry: Registry) -> None:
    result_of(push_blob(registry, LAYER))
    _, content = result_of(registry.blobs.open(NAME, DIGEST))
    assert result_of(content.read(1, 4)) == LAYER[1:5]
    assert content.fileno() is None
    content.close()
    with pytest.raises(StorageFailure):
        result_of(content.read(0, len(LAYER) + 1))
