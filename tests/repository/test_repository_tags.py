from __future__ import annotations

from collections.abc import Callable

import pytest
from pushing import NAME, OTHER, image, push_blob, push_image, push_manifest
from twisted.logger import capturedLogs, formatEvent

from registry.core.digest import Digest
from registry.core.errors import ManifestUnknown, NameUnknown
from registry.core.name import RepositoryName, Tag
from registry.repository.registry import Registry
from registry.storage.driver import Driver, Put, Remove, StorageFailure
from registry.storage.layout import tag_current, tag_index, tag_indexes
from registry.testing.results import result_of

Build = Callable[..., Registry]
BODY = image()
DIGEST = Digest.of(BODY)


def test_tags_are_listed_by_bytes_and_kept_up_to_date(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    result_of(push_image(registry, BODY, Tag("b")))
    assert result_of(registry.tags.names(NAME)) == ["b"]
    for text in ("a", "_", "B", "10", "9", "a"):
        result_of(push_manifest(registry, BODY, Tag(text)))
    result_of(registry.tags.delete(NAME, Tag("a")))
    expected = ["10", "9", "B", "_", "b"]
    assert result_of(registry.tags.names(NAME)) == expected
    assert result_of(build(driver).tags.names(NAME)) == expected


def test_a_repository_without_tags_has_an_empty_list(registry: Registry) -> None:
    result_of(push_blob(registry, b"layer", OTHER))
    assert result_of(registry.tags.names(OTHER)) == []
    result_of(registry.uploads.start(NAME))
    assert result_of(registry.tags.names(NAME)) == []


def test_an_unknown_repository_has_none(registry: Registry) -> None:
    result_of(push_image(registry, BODY, Tag("a")))
    for text in ("team", "team/app/below", "nowhere"):
        with pytest.raises(NameUnknown):
            result_of(registry.tags.names(RepositoryName(text)))


def test_a_deleted_tag_leaves_the_manifest(driver: Driver, build: Build) -> None:
    registry = build(driver)
    result_of(push_image(registry, BODY, Tag("a")))
    result_of(registry.tags.delete(NAME, Tag("a")))
    for fresh in (registry, build(driver)):
        with pytest.raises(ManifestUnknown):
            result_of(fresh.tags.resolve(NAME, Tag("a")))
        assert result_of(fresh.manifests.get(NAME, DIGEST)).body == BODY
    with pytest.raises(ManifestUnknown):
        result_of(registry.tags.delete(NAME, Tag("a")))


def test_a_directory_without_current_link_is_no_tag(
    driver: Driver, build: Build
) -> None:
    result_of(push_image(build(driver), BODY, Tag("a")))
    crashed = tag_index(NAME, Tag("crashed"), DIGEST)
    result_of(driver.apply([Put(crashed, str(DIGEST).encode())]))
    registry = build(driver)
    assert result_of(registry.tags.names(NAME)) == ["a"]
    with pytest.raises(ManifestUnknown):
        result_of(registry.tags.resolve(NAME, Tag("crashed")))
    with pytest.raises(ManifestUnknown):
        result_of(registry.tags.delete(NAME, Tag("crashed")))


def test_a_torn_tag_without_history_fails_closed_and_can_be_deleted(
    driver: Driver, build: Build
) -> None:
    result_of(push_image(build(driver), BODY, Tag("a")))
    path, history = tag_current(NAME, Tag("a")), tag_indexes(NAME, Tag("a"))
    result_of(driver.apply([Put(path, b"sha256:"), Remove(history)]))
    registry = build(driver)
    with pytest.raises(StorageFailure, match=path):
        result_of(registry.tags.resolve(NAME, Tag("a")))
    result_of(registry.tags.delete(NAME, Tag("a")))
    assert result_of(registry.tags.names(NAME)) == []


@pytest.mark.parametrize("content", [b"", b"sha256:", str(DIGEST).encode() + b"\n"])
def test_a_torn_tag_without_history_points_at_nothing_and_deletes_go_on(
    driver: Driver, build: Build, content: bytes
) -> None:
    for text in ("good", "bad"):
        result_of(push_image(build(driver), BODY, Tag(text)))
    path, history = tag_current(NAME, Tag("bad")), tag_indexes(NAME, Tag("bad"))
    result_of(driver.apply([Put(path, content), Remove(history)]))
    registry = build(driver)
    with capturedLogs() as logged:
        result_of(registry.manifests.delete(NAME, DIGEST))
    [said] = map(formatEvent, logged)
    assert said.startswith("the tag bad is left out: ")
    assert result_of(registry.tags.names(NAME)) == ["bad"]
    with pytest.raises(ManifestUnknown):
        result_of(registry.manifests.get(NAME, DIGEST))
    with pytest.raises(StorageFailure):
        result_of(registry.manifests.get(NAME, Tag("bad")))
    result_of(push_manifest(registry, BODY, Tag("bad")))
    result_of(registry.manifests.delete(NAME, DIGEST))
    assert result_of(registry.tags.names(NAME)) == []


def test_tags_are_exact_without_any_cache(driver: Driver, build: Build) -> None:
    registry = build(driver, cache_bytes=0)
    result_of(push_image(registry, BODY, Tag("a")))
    result_of(push_manifest(registry, BODY, Tag("b")))
    assert result_of(registry.tags.names(NAME)) == ["a", "b"]
    result_of(registry.manifests.delete(NAME, DIGEST))
    assert result_of(registry.tags.names(NAME)) == []
