from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from pushing import (
    CONFIG,
    NAME,
    OTHER,
    descriptor,
    image,
    index,
    push_image,
    push_manifest,
)
from twisted.logger import capturedLogs, formatEvent

from registry.core.digest import Digest
from registry.core.mediatype import OCI_MANIFEST
from registry.core.name import RepositoryName, Tag
from registry.repository.damage import LinkCorrupt
from registry.repository.registry import Registry
from registry.storage.driver import Driver, Put
from registry.storage.layout import blob_data, revision_link
from registry.testing.results import result_of

Build = Callable[..., Registry]
SUBJECT = image()
DIGEST = Digest.of(SUBJECT)
FIRST = image(subject=SUBJECT, artifactType="application/vnd.example.sbom")
SECOND = image(subject=SUBJECT, annotations={"kind": "signature"})


def index_about(subject: bytes, algorithm: str) -> bytes:
    """An index whose subject is named by a digest of ``algorithm``."""
    fields = json.loads(index())
    fields["subject"] = descriptor(subject, OCI_MANIFEST, algorithm)
    return json.dumps(fields).encode()


def referrers(
    registry: Registry, subject: Digest = DIGEST, name: RepositoryName = NAME
) -> list[Digest]:
    return [d.digest for d in result_of(registry.referrers.to(name, subject))]


def by_digest(*bodies: bytes) -> list[Digest]:
    return sorted(Digest.of(body) for body in bodies)


def test_what_nothing_refers_to_has_no_referrers(registry: Registry) -> None:
    assert referrers(registry) == []
    result_of(push_image(registry))
    assert referrers(registry) == []


def test_a_push_says_which_subject_it_has(registry: Registry) -> None:
    assert result_of(push_image(registry, FIRST)).subject == DIGEST


def test_referrers_are_listed_by_digest_whenever_they_came(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    result_of(push_image(registry, FIRST))
    assert referrers(registry) == by_digest(FIRST)
    result_of(push_manifest(registry, SECOND))
    result_of(push_manifest(registry, SUBJECT))
    for fresh in (registry, build(driver), build(driver, cache_bytes=0)):
        assert referrers(fresh) == by_digest(FIRST, SECOND)


def test_a_referrer_is_described_as_the_specification_says(
    registry: Registry,
) -> None:
    result_of(push_image(registry, FIRST))
    result_of(push_manifest(registry, SECOND))
    found = {d.digest: d for d in result_of(registry.referrers.to(NAME, DIGEST))}
    first, second = found[Digest.of(FIRST)], found[Digest.of(SECOND)]
    assert first.artifact_type == "application/vnd.example.sbom"
    assert first.size == len(FIRST)
    assert second.artifact_type == "application/vnd.example.config"
    assert second.annotations == {"kind": "signature"}


def test_a_deleted_referrer_is_no_longer_listed(driver: Driver, build: Build) -> None:
    registry = build(driver)
    result_of(push_image(registry, FIRST))
    result_of(push_manifest(registry, SECOND))
    assert len(referrers(registry)) == 2
    result_of(registry.manifests.delete(NAME, Digest.of(FIRST)))
    for fresh in (registry, build(driver)):
        assert referrers(fresh) == by_digest(SECOND)


def test_referrers_stay_when_their_subject_is_deleted(registry: Registry) -> None:
    result_of(push_image(registry, SUBJECT))
    result_of(push_manifest(registry, FIRST))
    result_of(registry.manifests.delete(NAME, DIGEST))
    assert referrers(registry) == by_digest(FIRST)


def test_referrers_are_those_of_one_repository(registry: Registry) -> None:
    result_of(push_image(registry, FIRST))
    assert referrers(registry, name=OTHER) == []


def test_a_referrer_pushed_as_sha512_is_listed_once_and_as_that(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    long = Digest.of(FIRST, "sha512")
    result_of(push_image(registry))
    assert referrers(registry) == []
    result_of(push_manifest(registry, FIRST))
    result_of(push_manifest(registry, FIRST, long))
    result_of(push_manifest(registry, FIRST, Tag("again")))
    for fresh in (registry, build(driver)):
        assert referrers(fresh) == [long]
    result_of(registry.manifests.delete(NAME, Digest.of(FIRST)))
    for fresh in (registry, build(driver)):
        assert referrers(fresh) == []


def test_a_subject_in_sha512_is_found_by_that(registry: Registry) -> None:
    long = Digest.of(SUBJECT, "sha512")
    body = index_about(SUBJECT, "sha512")
    result_of(push_image(registry, body))
    assert referrers(registry, long) == by_digest(body)


def test_a_fallback_tag_that_a_client_keeps_changes_nothing(
    driver: Driver, build: Build
) -> None:
    registry = build(driver)
    result_of(push_image(registry, FIRST))
    listing = index(FIRST)
    result_of(push_manifest(registry, listing, Tag(f"sha256-{DIGEST.hex}")))
    for fresh in (registry, build(driver)):
        assert referrers(fresh) == by_digest(FIRST)


def test_what_is_stored_and_cannot_be_parsed_refers_to_nothing(
    driver: Driver, build: Build
) -> None:
    result_of(push_image(build(driver), FIRST))
    for body in (b'{"subject": 1}', b'{"subject"', b"\\u", CONFIG):
        digest = Digest.of(body)
        link = Put(revision_link(NAME, digest), str(digest).encode())
        result_of(driver.apply([Put(blob_data(digest), body), link]))
    assert referrers(build(driver)) == by_digest(FIRST)


@pytest.mark.parametrize("content", [b"", b"sha256:12", b"\xff"])
def test_a_manifest_with_a_torn_link_is_left_out_and_the_log_names_the_file(
    driver: Driver, build: Build, content: bytes
) -> None:
    registry = build(driver)
    for body in (SUBJECT, FIRST, SECOND):
        result_of(push_image(registry, body))
    path = revision_link(NAME, Digest.of(SECOND))
    result_of(driver.apply([Put(path, content)]))
    registry = build(driver)
    with capturedLogs() as logged:
        assert referrers(registry) == by_digest(FIRST)
    assert [path in formatEvent(event) for event in logged] == [True]
    with pytest.raises(LinkCorrupt, match=path):
        result_of(registry.manifests.get(NAME, Digest.of(SECOND)))
    result_of(push_manifest(registry, SECOND))
    assert referrers(registry) == by_digest(FIRST, SECOND)


def test_many_manifests_are_read_in_parts(driver: Driver, build: Build) -> None:
    registry = build(driver)
    bodies = [
        image(subject=SUBJECT, annotations={"padding": "x" * 400_000, "n": str(n)})
        for n in range(8)
    ]
    result_of(push_image(registry))
    for body in bodies:
        result_of(push_manifest(registry, body))
    assert referrers(build(driver)) == by_digest(*bodies)
