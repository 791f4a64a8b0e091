"""Listing referrers. Spec: distribution end-12a, end-12b."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from ends import ALGORITHMS, NAME, Draft, Here, artifact, codes, image, index, push
from ends import put as put_manifest

from registry.core.digest import Digest
from registry.core.mediatype import OCI_INDEX
from registry.testing.client import Answer

SBOM = "application/vnd.example.sbom+json"
SIGNATURE = "application/vnd.example.signature"
SUBJECT = image("subject")


def referrers(here: Here, digest: object, query: str = "") -> Answer:
    """GET of the referrers of a manifest; the answer is always an index."""
    answer = here.get(f"/v2/{NAME}/referrers/{digest}{query}").expect(200)
    assert answer.header("Content-Type") == OCI_INDEX
    document = answer.json()
    assert document["schemaVersion"] == 2
    assert document["mediaType"] == OCI_INDEX
    return answer


def listed(here: Here, digest: object, query: str = "") -> list[dict[str, Any]]:
    """The descriptors of the referrers."""
    return referrers(here, digest, query).json()["manifests"]


def sbom(seed: str = "sbom", subject: Draft = SUBJECT, **fields: object) -> Draft:
    """An artifact about ``subject``."""
    return artifact(seed, SBOM, subject=subject.described(), **fields)


def signature(seed: str) -> Draft:
    """An artifact of another type about ``SUBJECT``."""
    return artifact(seed, SIGNATURE, subject=SUBJECT.described())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_refers_to_what_is_unknown(here: Here, algorithm: str) -> None:
    """end-12a: 200 and an empty index, for oras takes 404 as no such API."""
    digest = Digest.of(b"never", algorithm)
    assert listed(here, digest) == []
    push(here, SUBJECT, "v1")
    assert listed(here, digest) == []
    assert listed(here, SUBJECT.digest) == []


def test_a_referrer_is_listed_with_all_that_tells_what_it_is(here: Here) -> None:
    """end-12a: type, size, digest, artifact type and annotations."""
    push(here, SUBJECT, "v1")
    notes = {"org.example.one": "1", "org.example.two": "é"}
    draft = sbom(annotations=notes)
    push(here, draft)
    more = {"artifactType": SBOM, "annotations": notes}
    assert listed(here, SUBJECT.digest) == [draft.described(**more)]


def test_an_image_without_an_artifact_type_is_known_by_its_config(here: Here) -> None:
    """end-12a."""
    draft = image("a", config=(SIGNATURE, b"{}"), subject=SUBJECT.described())
    push(here, draft)
    [found] = listed(here, SUBJECT.digest)
    assert found == draft.described(artifactType=SIGNATURE)


def test_an_index_refers_too(here: Here) -> None:
    """end-12a: without an artifact type, none is told."""
    plain = index(SUBJECT, subject=SUBJECT.described())
    typed = index(SUBJECT, subject=SUBJECT.described(), artifactType=SBOM)
    for draft in (plain, typed):
        push(here, draft)
    found = listed(here, SUBJECT.digest)
    expected = [plain.described(), typed.described(artifactType=SBOM)]
    assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_referrer_may_come_before_its_subject(here: Here, algorithm: str) -> None:
    """end-12a: it is listed at once and stays listed."""
    subject = image("late", algorithm=algorithm)
    draft = sbom(subject=subject)
    push(here, draft)
    assert [one["digest"] for one in listed(here, subject.digest)] == [
        str(draft.digest)
    ]
    push(here, subject, "v1")
    assert len(listed(here, subject.digest)) == 1


def test_a_referrer_is_listed_under_the_digest_it_was_pushed_with(here: Here) -> None:
    """end-12a."""
    draft = image("a", algorithm="sha512", subject=SUBJECT.described())
    push(here, draft)
    assert [one["digest"] for one in listed(here, SUBJECT.digest)] == [
        str(draft.digest)
    ]


def test_a_deleted_referrer_is_no_longer_listed(here: Here) -> None:
    """end-12a, end-9."""
    kept, deleted = sbom("kept"), sbom("deleted")
    for draft in (kept, deleted):
        push(here, draft)
    here.request("DELETE", f"/v2/{NAME}/manifests/{deleted.digest}").expect(202)
    assert [one["digest"] for one in listed(here, SUBJECT.digest)] == [str(kept.digest)]


def test_a_referrer_stays_listed_when_its_subject_or_tag_goes(here: Here) -> None:
    """end-12a, end-9."""
    push(here, SUBJECT, "v1")
    push(here, sbom(), "sbom")
    for reference in ("sbom", SUBJECT.digest):
        here.request("DELETE", f"/v2/{NAME}/manifests/{reference}").expect(202)
    assert len(listed(here, SUBJECT.digest)) == 1


def test_referrers_of_another_repository_are_not_listed(here: Here) -> None:
    """end-12a."""
    push(here, sbom(), name="another")
    assert listed(here, SUBJECT.digest) == []


def test_a_referrer_pushed_twice_is_listed_once(here: Here) -> None:
    """end-12a."""
    push(here, sbom())
    put_manifest(here, sbom(), "again").expect(201)
    assert len(listed(here, SUBJECT.digest)) == 1


def test_referrers_outlive_the_registry(here: Here) -> None:
    """end-12a."""
    push(here, sbom())
    here.configure("storage: inmemory")
    assert len(listed(here, SUBJECT.digest)) == 1


def test_referrers_are_filtered_by_artifact_type(here: Here) -> None:
    """end-12b: and the answer says so."""
    for draft in (
        sbom("1"),
        sbom("2"),
        artifact("3", SIGNATURE, subject=SUBJECT.described()),
    ):
        push(here, draft)
    for kind, count in ((SBOM, 2), (SIGNATURE, 1), ("application/other", 0)):
        answer = referrers(
            here, SUBJECT.digest, f"?artifactType={quote(kind, safe='')}"
        )
        assert answer.header("OCI-Filters-Applied") == "artifactType"
        found = answer.json()["manifests"]
        assert [one["artifactType"] for one in found] == [kind] * count


def test_a_plus_in_a_type_need_not_be_encoded(here: Here) -> None:
    """end-12b: ``+json``, as in the specification's own example."""
    push(here, sbom())
    assert len(listed(here, SUBJECT.digest, f"?artifactType={SBOM}")) == 1


@pytest.mark.parametrize("query", ["", "?artifactType="])
def test_without_a_filter_none_is_applied(here: Here, query: str) -> None:
    """end-12b."""
    push(here, sbom())
    answer = referrers(here, SUBJECT.digest, query)
    assert answer.headers.get("OCI-Filters-Applied") is None
    assert len(answer.json()["manifests"]) == 1


@pytest.mark.parametrize("query", ["", f"&artifactType={SIGNATURE}"])
def test_many_referrers_come_in_pages(here: Here, query: str) -> None:
    """end-12a: Link leads to the rest, with the same filter."""
    drafts = [
        artifact(str(n), SIGNATURE, subject=SUBJECT.described()) for n in range(7)
    ]
    for draft in drafts:
        push(here, draft)
    found, target, pages = [], f"/v2/{NAME}/referrers/{SUBJECT.digest}?n=3{query}", 0
    while target:
        answer = here.get(target).expect(200)
        assert ("OCI-Filters-Applied" in answer.headers) is bool(query)
        found += [one["digest"] for one in answer.json()["manifests"]]
        link = answer.headers.get("Link", "")
        assert not link or link.endswith('>; rel="next"')
        target = link.partition(">")[0].lstrip("<")
        pages += 1
    assert sorted(found) == sorted(str(draft.digest) for draft in drafts)
    assert pages == 3


@pytest.mark.parametrize(
    "text", ["sha256:short", "tag", "md5:" + "0" * 32, "sha256:" + "G" * 64]
)
def test_what_is_no_digest_is_refused(here: Here, text: str) -> None:
    """end-12a, code-4: 400."""
    answer = here.get(f"/v2/{NAME}/referrers/{text}").expect(400)
    assert codes(answer) == ["DIGEST_INVALID"]


def test_head_of_the_referrers_mirrors_get(here: Here) -> None:
    """end-12a."""
    push(here, sbom())
    path = f"/v2/{NAME}/referrers/{SUBJECT.digest}"
    head = here.request("HEAD", path).expect(200)
    assert head.body == b""
    assert head.headers.items() == here.get(path).headers.items()
