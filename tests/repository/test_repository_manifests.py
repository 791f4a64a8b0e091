from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from pushing import (
    CONFIG,
    LAYER,
    NAME,
    OTHER,
    Recording,
    image,
    index,
    push_blob,
    push_image,
    push_manifest,
)
from twisted.logger import capturedLogs, formatEvent

from registry.core.digest import Digest
from registry.core.errors import (
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    PreconditionFailed,
    Refusals,
)
from registry.core.mediatype import OCI_INDEX, OCI_MANIFEST
from registry.core.name import Tag
from registry.core.rules import ReferenceRules
from registry.repository.manifests import StoredManifest
from registry.repository.registry import Registry
from registry.storage.driver import Driver, Put, Remove, StorageFailure
from registry.storage.layout import (
    blob_data,
    revision_link,
    tag_current,
    tag_index,
    tag_indexes,
)
from registry.testing.results import result_of

Build = Callable[..., Registry]
BODY = image()
DIGEST = Digest.of(BODY)
LATEST = Tag("latest")
SHA512 = Digest.of(BODY, "sha512")


def test_a_manifest_pushed_by_tag_is_served_by_tag_and_digest(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    pushed = result_of(push_image(registry, BODY, LATEST))
    assert (pushed.digest, pushed.subject, pushed.tags) == (DIGEST, None, (LATEST,))
    for fresh in (registry, build(driver), build(driver, cache_bytes=0)):
        for reference in (LATEST, DIGEST):
            assert result_of(fresh.manifests.get(NAME, reference)) == StoredManifest(
                DIGEST, OCI_MANIFEST, BODY
            )


def test_what_is_not_there_is_unknown(registry: Registry) -> None:
    result_of(push_image(registry, BODY, LATEST))
    for name, reference in (
        (NAME, Tag("other")),
        (NAME, Digest.of(b"other")),
        (NAME, SHA512),
        (NAME, Digest.of(LAYER)),
        (OTHER, LATEST),
        (OTHER, DIGEST),
    ):
        with pytest.raises(ManifestUnknown):
            result_of(registry.manifests.get(name, reference))


def test_a_manifest_pushed_as_sha512_is_served_as_that_in_every_way(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    result_of(push_image(registry))
    pushed = result_of(push_manifest(registry, BODY, SHA512, tags=[LATEST]))
    assert pushed.digest == SHA512
    for fresh in (registry, build(driver)):
        for reference in (SHA512, LATEST):
            assert result_of(fresh.manifests.get(NAME, reference)).digest == SHA512
        assert result_of(fresh.manifests.get(NAME, DIGEST)).digest == DIGEST


def test_several_tags_are_pushed_at_once(registry: Registry) -> None:
    result_of(push_image(registry))
    tags = [Tag("b"), Tag("a"), Tag("b")]
    pushed = result_of(push_manifest(registry, BODY, Tag("a"), tags=tags))
    assert pushed.tags == (Tag("a"), Tag("b"))
    assert result_of(registry.tags.names(NAME)) == ["a", "b"]


def test_a_body_with_another_digest_is_refused(
    driver: Driver, registry: Registry
) -> None:
    result_of(push_image(registry))
    for wrong in (Digest.of(b"other"), Digest.of(b"other", "sha512")):
        with pytest.raises(DigestInvalid):
            result_of(push_manifest(registry, BODY, wrong))
        assert result_of(driver.sizes([revision_link(NAME, wrong)])) == [None]


def test_every_missing_reference_is_named(registry: Registry) -> None:
    with pytest.raises(Refusals) as refusals:
        result_of(push_manifest(registry, BODY, LATEST))
    assert [type(error) for error in refusals.value.errors] == [ManifestBlobUnknown] * 2
    assert [error.detail for error in refusals.value.errors] == [
        str(Digest.of(CONFIG)),
        str(Digest.of(LAYER)),
    ]
    with pytest.raises(ManifestUnknown):
        result_of(registry.manifests.get(NAME, LATEST))


def test_children_of_an_index_may_be_manifests_or_blobs(registry: Registry) -> None:
    result_of(push_image(registry))
    missing = image(layers=[])
    with pytest.raises(Refusals) as refusals:
        result_of(push_manifest(registry, index(BODY, LAYER, missing), LATEST))
    [error] = refusals.value.errors
    assert error.detail == str(Digest.of(missing))
    result_of(push_manifest(registry, index(BODY, LAYER), LATEST))
    assert result_of(registry.manifests.get(NAME, LATEST)).media_type == OCI_INDEX


def test_rules_may_refuse_urls_or_allow_missing_content(
    driver: Driver, build: Build
) -> None:
    strict = build(driver, rules=ReferenceRules(urls_allow=(re.compile("^https:"),)))
    layer = {
        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "digest": str(DIGEST),
        "size": 1,
        "urls": ["http://example.com/layer"],
    }
    result_of(push_blob(strict, CONFIG))
    with pytest.raises(Refusals) as refusals:
        result_of(push_manifest(strict, image(layers=[layer])))
    assert isinstance(refusals.value.errors[0], ManifestInvalid)
    sparse = build(driver, rules=ReferenceRules(required=False))
    assert result_of(push_manifest(sparse, BODY, name=OTHER)).digest == DIGEST


def test_an_invalid_manifest_is_refused(registry: Registry) -> None:
    with pytest.raises(ManifestInvalid):
        result_of(push_manifest(registry, b"{", LATEST))


def only(expected: Digest | None) -> Callable[[Digest | None], None]:
    """A precondition: replace exactly this."""

    def check(current: Digest | None) -> None:
        if current != expected:
            raise PreconditionFailed

    return check


def test_a_tag_is_replaced_only_if_it_holds_what_the_client_saw(
    registry: Registry,
) -> None:
    second = image(annotations={"number": "2"})
    result_of(push_image(registry))
    result_of(push_manifest(registry, BODY, LATEST, may_replace=only(None)))
    with pytest.raises(PreconditionFailed):
        result_of(push_manifest(registry, second, LATEST, may_replace=only(None)))
    assert result_of(registry.tags.resolve(NAME, LATEST)) == DIGEST
    result_of(push_manifest(registry, second, LATEST, may_replace=only(DIGEST)))
    assert result_of(registry.tags.resolve(NAME, LATEST)) == Digest.of(second)


def test_a_precondition_on_a_digest_sees_whether_it_is_there(
    registry: Registry,
) -> None:
    result_of(push_image(registry, image(annotations={"number": "2"})))
    result_of(push_manifest(registry, BODY, DIGEST, may_replace=only(None)))
    result_of(push_manifest(registry, BODY, DIGEST, may_replace=only(DIGEST)))
    with pytest.raises(PreconditionFailed):
        result_of(push_manifest(registry, BODY, DIGEST, may_replace=only(None)))


def test_a_second_push_of_the_same_manifest_writes_only_the_tag(
    driver: Driver, build: Build
) -> None:
    recording = Recording(driver)
    registry = build(recording)
    result_of(push_image(registry, BODY, LATEST))
    recording.changes.clear()
    result_of(push_manifest(registry, BODY, Tag("v2")))
    content = str(DIGEST).encode()
    assert recording.changes == [
        Put(tag_index(NAME, Tag("v2"), DIGEST), content),
        Put(tag_current(NAME, Tag("v2")), content),
    ]


def test_content_that_is_there_is_not_written_again(
    driver: Driver, build: Build
) -> None:
    result_of(push_image(build(driver), BODY, LATEST, OTHER))
    recording = Recording(driver)
    registry = build(recording)
    result_of(push_image(registry, BODY, LATEST))
    written = [change.path for change in recording.changes if isinstance(change, Put)]
    assert blob_data(DIGEST) not in written
    assert revision_link(NAME, DIGEST) in written


def test_damaged_content_is_never_served_and_is_mended_by_a_push(
    driver: Driver, build: Build
) -> None:
    result_of(push_image(build(driver), BODY, LATEST))
    result_of(driver.apply([Put(blob_data(DIGEST), BODY.replace(b"layer", b"lager"))]))
    registry = build(driver)
    for reference in (LATEST, DIGEST, LATEST):
        with pytest.raises(ManifestUnknown, match="push the manifest again"):
            result_of(registry.manifests.get(NAME, reference))
    result_of(push_manifest(registry, BODY, LATEST))
    assert result_of(build(driver).manifests.get(NAME, LATEST)).body == BODY


def test_a_link_without_bytes_is_an_unknown_manifest(
    driver: Driver, build: Build
) -> None:
    result_of(push_image(build(driver), BODY, LATEST))
    result_of(driver.apply([Remove(blob_data(DIGEST))]))
    with pytest.raises(ManifestUnknown, match="missing from storage"):
        result_of(build(driver).manifests.get(NAME, LATEST))


@pytest.mark.parametrize("content", [b"", b"sha256:12", str(DIGEST).encode() + b"\n"])
@pytest.mark.parametrize(
    "path", [revision_link(NAME, DIGEST), tag_current(NAME, LATEST)]
)
def test_a_corrupt_link_is_a_failure_until_a_push_mends_it(
    driver: Driver, build: Build, path: str, content: bytes
) -> None:
    result_of(push_image(build(driver), BODY, LATEST))
    result_of(driver.apply([Put(path, content), Remove(tag_indexes(NAME, LATEST))]))
    registry = build(driver)
    with pytest.raises(StorageFailure, match=path):
        result_of(registry.manifests.get(NAME, LATEST))
    result_of(push_manifest(registry, BODY, LATEST))
    assert result_of(build(driver).manifests.get(NAME, LATEST)).body == BODY


def test_a_push_by_digest_mends_its_corrupt_link(driver: Driver, build: Build) -> None:
    result_of(push_image(build(driver), BODY))
    result_of(driver.apply([Put(revision_link(NAME, DIGEST), b"")]))
    result_of(push_manifest(build(driver), BODY))
    assert result_of(build(driver).manifests.get(NAME, DIGEST)).body == BODY


def test_a_manifest_with_a_torn_link_can_be_deleted(
    driver: Driver, build: Build
) -> None:
    result_of(push_image(build(driver), BODY))
    result_of(driver.apply([Put(revision_link(NAME, DIGEST), b"")]))
    registry = build(driver)
    result_of(registry.manifests.delete(NAME, DIGEST))
    with pytest.raises(ManifestUnknown):
        result_of(registry.manifests.get(NAME, DIGEST))


def test_a_torn_alias_of_another_manifest_does_not_keep_one_from_being_deleted(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    result_of(push_image(registry, BODY))
    other = image(annotations={"number": "2"})
    alias = Digest.of(other, "sha512")
    result_of(push_manifest(registry, other, alias))
    path = revision_link(NAME, alias)
    result_of(driver.apply([Put(path, b"")]))
    with capturedLogs() as logged:
        result_of(registry.manifests.delete(NAME, DIGEST))
    assert [path in formatEvent(event) for event in logged] == [True]
    with pytest.raises(StorageFailure, match=path):
        result_of(build(driver).manifests.get(NAME, alias))


def test_a_precondition_is_asked_about_every_tag(driver: Driver, build: Build) -> None:
    registry = build(driver)
    other = image(annotations={"number": "2"})
    result_of(push_image(registry, other, LATEST))
    asked: list[Digest | None] = []
    tags = [Tag("new"), LATEST]
    result_of(push_manifest(registry, BODY, tags=tags, may_replace=asked.append))
    assert asked == [None, Digest.of(other)]
    asked.clear()
    result_of(push_manifest(registry, BODY, Tag("v1"), may_replace=asked.append))
    result_of(push_manifest(registry, BODY, may_replace=asked.append))
    result_of(push_manifest(registry, index(BODY), may_replace=asked.append))
    assert asked == [None, DIGEST, None]


def test_deleting_a_manifest_takes_the_tags_that_point_at_it(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    other = image(annotations={"number": "2"})
    result_of(push_image(registry, other, Tag("kept")))
    for text in ("one", "two", "moved"):
        result_of(push_manifest(registry, BODY, Tag(text)))
    result_of(push_manifest(registry, other, Tag("moved")))
    result_of(registry.manifests.delete(NAME, DIGEST))
    for fresh in (registry, build(driver)):
        assert result_of(fresh.tags.names(NAME)) == ["kept", "moved"]
        with pytest.raises(ManifestUnknown):
            result_of(fresh.manifests.get(NAME, DIGEST))
        assert result_of(fresh.manifests.get(NAME, Tag("moved"))).body == other


def test_a_deleted_manifest_is_gone_under_every_digest(
    driver: Driver, build: Build
) -> None:
    for asked in (DIGEST, SHA512):
        registry = build(driver)
        result_of(push_image(registry, image(annotations={"number": "2"})))
        result_of(push_manifest(registry, BODY, SHA512, tags=[Tag("long")]))
        result_of(push_manifest(registry, BODY, Tag("short")))
        result_of(registry.manifests.delete(NAME, asked))
        for fresh in (registry, build(driver)):
            for reference in (DIGEST, SHA512, Tag("long"), Tag("short")):
                with pytest.raises(ManifestUnknown):
                    result_of(fresh.manifests.get(NAME, reference))
        with pytest.raises(ManifestUnknown):
            result_of(registry.manifests.delete(NAME, asked))


def test_a_deleted_manifest_stays_in_other_repositories(registry: Registry) -> None:
    for name in (NAME, OTHER):
        result_of(push_image(registry, BODY, LATEST, name))
    result_of(registry.manifests.delete(NAME, DIGEST))
    assert result_of(registry.manifests.get(OTHER, LATEST)).body == BODY


def test_a_deleted_manifest_can_be_pushed_again(registry: Registry) -> None:
    for _ in range(2):
        result_of(push_image(registry, BODY, LATEST))
        assert result_of(registry.manifests.get(NAME, LATEST)).body == BODY
        result_of(registry.manifests.delete(NAME, DIGEST))
