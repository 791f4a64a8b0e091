from __future__ import annotations

from collections.abc import Callable

import pytest
from pushing import NAME, Recording, append, image, push_blob, push_image

from registry.core.digest import Digest
from registry.core.errors import ManifestUnknown, NameUnknown
from registry.core.name import RepositoryName, Tag
from registry.repository.registry import Registry
from registry.storage.driver import Driver, Put, StorageFailure
from registry.storage.layout import REPOSITORIES, revision_link, revisions
from registry.testing.results import result_of

Build = Callable[..., Registry]
BODY = image()
DIGEST = Digest.of(BODY)


def names(registry: Registry) -> list[str]:
    return list(result_of(registry.catalog.names()))


def holders(registry: Registry) -> list[str]:
    return sorted(name.text for name in result_of(registry.catalog.holders()))


def push(registry: Registry, *texts: str) -> None:
    for text in texts:
        result_of(push_image(registry, BODY, Tag("latest"), RepositoryName(text)))


def test_an_empty_registry_has_an_empty_catalog(registry: Registry) -> None:
    assert (names(registry), holders(registry)) == ([], [])


def test_repositories_are_listed_by_bytes_of_their_whole_name(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    push(registry, "b", "a/b", "a-b", "a")
    assert names(registry) == ["a", "a-b", "a/b", "b"]
    push(registry, "a/a", "a/b/c")
    expected = ["a", "a-b", "a/a", "a/b", "a/b/c", "b"]
    assert names(registry) == expected
    assert names(build(driver)) == expected


def test_a_repository_without_manifest_is_a_holder_only(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    result_of(push_blob(registry, b"layer", RepositoryName("blobs")))
    session = result_of(registry.uploads.start(RepositoryName("uploads"))).id
    assert (names(registry), holders(registry)) == ([], ["blobs", "uploads"])
    result_of(append(registry, session, b"half", name=RepositoryName("uploads")))
    for fresh in (registry, build(driver)):
        assert (names(fresh), holders(fresh)) == ([], ["blobs", "uploads"])


def test_a_repository_leaves_the_list_with_its_last_manifest(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    push(registry, "a", "b")
    assert names(registry) == ["a", "b"]
    result_of(registry.manifests.delete(RepositoryName("a"), DIGEST))
    for fresh in (registry, build(driver)):
        assert names(fresh) == ["b"]
        assert holders(fresh) == ["a", "b"]
    push(registry, "a")
    assert names(registry) == ["a", "b"]


def test_directories_that_are_no_repositories_are_left_out(
    driver: Driver, build: Build
) -> None:
    push(build(driver), "a")
    for path in ("UPPER/_manifests/revisions/x", "a/_manifests/other", "README"):
        result_of(driver.apply([Put(f"{REPOSITORIES}/{path}", b"")]))
    registry = build(driver)
    assert (names(registry), holders(registry)) == (["a"], ["a"])


def test_a_revision_without_link_left_by_distribution_is_no_manifest(
    driver: Driver, build: Build
) -> None:
    signature = revision_link(NAME, DIGEST).replace("/link", "/signatures/x")
    result_of(driver.apply([Put(signature, b"")]))
    assert names(build(driver)) == []
    assert holders(build(driver)) == [NAME.text]
    assert result_of(build(driver).catalog.exists(NAME))


class FailingApplies(Recording):
    """A driver that can fail before or after it does what it was asked to."""

    failing = ""

    async def apply(self, changes: list[object]) -> None:
        if self.failing == "before":
            raise StorageFailure("no space")
        await super().apply(changes)
        if self.failing == "after":
            raise StorageFailure("no answer")


@pytest.mark.parametrize("failing", ["before", "after"])
def test_what_a_failed_change_did_is_looked_up(
    driver: Driver, build: Build, failing: str
) -> None:
    failures = FailingApplies(driver)
    registry = build(failures)
    name = RepositoryName("a")
    push(registry, "b")
    result_of(push_image(registry, image(annotations={"n": "1"}), Tag("old"), name))
    result_of(registry.manifests.delete(name, Digest.of(image(annotations={"n": "1"}))))
    assert names(registry) == ["b"]
    assert result_of(registry.tags.names(name)) == []
    failures.failing = failing
    with pytest.raises(StorageFailure):
        result_of(
            registry.manifests.put(
                name,
                Tag("new"),
                tags=[],
                body=BODY,
                content_type=None,
                may_replace=lambda _: None,
            )
        )
    failures.failing = ""
    there = failing == "after"
    assert names(registry) == (["a", "b"] if there else ["b"])
    assert result_of(registry.tags.names(name)) == (["new"] if there else [])


@pytest.mark.parametrize("failing", ["before", "after"])
def test_what_a_failed_delete_did_is_looked_up(
    driver: Driver, build: Build, failing: str
) -> None:
    failures = FailingApplies(driver)
    registry = build(failures)
    push(registry, "a", "b")
    name = RepositoryName("a")
    assert names(registry) == ["a", "b"]
    assert result_of(registry.tags.names(name)) == ["latest"]
    failures.failing = failing
    with pytest.raises(StorageFailure):
        result_of(registry.manifests.delete(name, DIGEST))
    failures.failing = ""
    if failing == "before":
        assert result_of(registry.manifests.get(name, Tag("latest"))).body == BODY
        assert names(registry) == ["a", "b"]
    else:
        with pytest.raises(ManifestUnknown):
            result_of(registry.manifests.get(name, Tag("latest")))
        assert names(registry) == ["b"]
        assert result_of(registry.tags.names(name)) == []


def test_an_unreadable_directory_is_a_failure_and_no_empty_catalog(
    driver: Driver, build: Build
) -> None:
    class Unreadable(Recording):
        broken = True

        async def names(self, path: str) -> list[str]:
            if self.broken and path == f"{revisions(NAME)}/sha256":
                raise StorageFailure("permission denied")
            return await self._driver.names(path)

    push(build(driver), NAME.text)
    unreadable = Unreadable(driver)
    registry = build(unreadable)
    with pytest.raises(StorageFailure, match="permission denied"):
        names(registry)
    unreadable.broken = False
    assert names(registry) == [NAME.text]


def test_removing_a_repository_leaves_those_nested_in_it(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    push(registry, "a", "a/b", "ab")
    assert names(registry) == ["a", "a/b", "ab"]
    result_of(registry.delete_repository(RepositoryName("a")))
    for fresh in (registry, build(driver)):
        assert names(fresh) == ["a/b", "ab"]
        assert result_of(fresh.tags.names(RepositoryName("a/b"))) == ["latest"]
        with pytest.raises(NameUnknown):
            result_of(fresh.tags.names(RepositoryName("a")))
        with pytest.raises(ManifestUnknown):
            result_of(fresh.manifests.get(RepositoryName("a"), Tag("latest")))
        assert result_of(fresh.blobs.missing(RepositoryName("a"), [DIGEST]))
    with pytest.raises(NameUnknown):
        result_of(registry.delete_repository(RepositoryName("a")))


def test_removing_the_last_repository_removes_the_empty_directories(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    push(registry, "a/b/c", "x")
    result_of(registry.uploads.start(RepositoryName("a/b/c")))
    result_of(registry.delete_repository(RepositoryName("a/b/c")))
    assert result_of(driver.names(REPOSITORIES)) == ["x"]


def test_a_removed_repository_can_be_pushed_again(registry: Registry) -> None:
    for _ in range(2):
        push(registry, "a")
        assert names(registry) == ["a"]
        result_of(registry.delete_repository(RepositoryName("a")))
        assert names(registry) == []
