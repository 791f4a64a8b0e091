"""Deleting tags, manifests, blobs, repositories. Spec: distribution end-9, end-10."""

from __future__ import annotations

import pytest
from ends import ALGORITHMS, NAME, Here, codes, image, index, push, put, started

from registry.core.digest import Digest

both_algorithms = pytest.mark.parametrize("algorithm", ALGORITHMS)


def gone(here: Here, path: str) -> bool:
    """Whether nobody can have it any more, at once and by any method."""
    statuses = {here.request(m, path).status for m in ("HEAD", "GET", "DELETE")}
    return statuses == {404}


def manifest_path(reference: object) -> str:
    return f"/v2/{NAME}/manifests/{reference}"


def blob_path(digest: object) -> str:
    return f"/v2/{NAME}/blobs/{digest}"


def test_a_deleted_tag_is_gone_and_its_manifest_is_not(here: Here) -> None:
    """end-9: 202, then 404."""
    draft = image("a")
    push(here, draft)
    put(here, draft, tags=["v1", "v2"]).expect(201)
    answer = here.request("DELETE", manifest_path("v1")).expect(202)
    assert answer.body == b""
    assert answer.header("Content-Length") == "0"
    assert gone(here, manifest_path("v1"))
    assert here.tags(NAME) == ["v2"]
    here.manifest(NAME, "v2").expect(200)
    here.manifest(NAME, draft.digest).expect(200)


@both_algorithms
def test_a_deleted_manifest_is_gone_with_its_tags(here: Here, algorithm: str) -> None:
    """end-9: 202, then 404 for the digest and for every tag that pointed at it."""
    draft, other = image("a", algorithm=algorithm), image("b")
    push(here, draft)
    push(here, other, "other")
    put(here, draft, tags=["v1", "v2"]).expect(201)
    answer = here.request("DELETE", manifest_path(draft.digest)).expect(202)
    assert answer.header("Docker-Content-Digest") == str(draft.digest)
    for reference in (draft.digest, "v1", "v2"):
        assert gone(here, manifest_path(reference))
    assert here.tags(NAME) == ["other"]
    here.manifest(NAME, "other").expect(200)


def test_a_manifest_is_gone_under_every_digest(here: Here) -> None:
    """end-9: it is one manifest, whatever it was called."""
    drafts = [image("a"), image("a")]
    push(here, drafts[0], "v1")
    other = Digest.of(drafts[0].body, "sha512")
    put(here, drafts[0], other).expect(201)
    here.request("DELETE", manifest_path(other)).expect(202)
    for reference in (other, drafts[0].digest, "v1"):
        assert gone(here, manifest_path(reference))


def test_what_a_deleted_index_listed_stays(here: Here) -> None:
    """end-9."""
    child = image("a")
    draft = index(child)
    push(here, draft, "v1")
    here.request("DELETE", manifest_path(draft.digest)).expect(202)
    here.manifest(NAME, child.digest).expect(200)


def test_a_deleted_manifest_may_be_pushed_again(here: Here) -> None:
    """end-9, end-7."""
    draft = image("a")
    for _ in range(3):
        push(here, draft, "v1")
        here.manifest(NAME, "v1").expect(200)
        here.request("DELETE", manifest_path(draft.digest)).expect(202)
        here.manifest(NAME, "v1").expect(404)


@pytest.mark.parametrize("reference", ["v1", str(Digest.of(b"never"))])
def test_a_manifest_that_is_not_there_is_unknown(here: Here, reference: str) -> None:
    """end-9, code-7: in a repository with others and in one that is not there."""
    push(here, image("a"), "other")
    for name in (NAME, "nowhere"):
        path = f"/v2/{name}/manifests/{reference}"
        answer = here.request("DELETE", path).expect(404)
        assert codes(answer) == ["MANIFEST_UNKNOWN"]


# Blobs.


@both_algorithms
@pytest.mark.parametrize("content", [b"some content", b"", b"{}"])
def test_a_deleted_blob_is_gone(here: Here, algorithm: str, content: bytes) -> None:
    """end-10: 202, then 404."""
    digest = here.push_blob(NAME, content, algorithm=algorithm)
    answer = here.request("DELETE", blob_path(digest)).expect(202)
    assert answer.header("Docker-Content-Digest") == str(digest)
    assert answer.header("Content-Length") == "0"
    assert gone(here, blob_path(digest))


def test_a_blob_is_gone_from_this_repository_only(here: Here) -> None:
    """end-10."""
    digest = here.push_blob(NAME, b"x")
    here.push_blob("other", b"x")
    here.request("DELETE", blob_path(digest)).expect(202)
    here.blob(NAME, digest).expect(404)
    here.blob("other", digest).expect(200)


def test_a_blob_is_gone_under_every_digest(here: Here) -> None:
    """end-10."""
    digests = [here.push_blob(NAME, b"x", algorithm=one) for one in ALGORITHMS]
    here.request("DELETE", blob_path(digests[1])).expect(202)
    for digest in digests:
        assert gone(here, blob_path(digest))


def test_a_deleted_blob_may_be_pushed_again(here: Here) -> None:
    """end-10, end-6."""
    for _ in range(3):
        digest = here.push_blob(NAME, b"x")
        here.blob(NAME, digest).expect(200)
        here.request("DELETE", blob_path(digest)).expect(202)
        here.blob(NAME, digest).expect(404)


@both_algorithms
def test_a_blob_that_is_not_there_is_unknown(here: Here, algorithm: str) -> None:
    """end-10, code-1."""
    path = blob_path(Digest.of(b"never", algorithm))
    assert codes(here.request("DELETE", path).expect(404)) == ["BLOB_UNKNOWN"]


def test_what_is_no_digest_is_refused(here: Here) -> None:
    """end-10, code-4."""
    answer = here.request("DELETE", blob_path("sha256:x")).expect(400)
    assert codes(answer) == ["DIGEST_INVALID"]


# Switched off.


def test_where_deleting_is_off_nothing_is_deleted(here: Here) -> None:
    """end-9, end-10, code-13: 405, and the message says how to switch it on."""
    draft = image("a")
    push(here, draft, "v1")
    here.configure("storage: inmemory")
    blob = Digest.of(draft.blobs[0])
    for path in (
        manifest_path("v1"),
        manifest_path(draft.digest),
        blob_path(blob),
        f"/v2/{NAME}/",
    ):
        answer = here.request("DELETE", path).expect(405)
        assert codes(answer) == ["UNSUPPORTED"]
        assert b"storage.delete.enabled" in answer.body
    here.manifest(NAME, "v1").expect(200)
    here.blob(NAME, blob).expect(200)


def test_where_deleting_is_off_uploads_are_cancelled_all_the_same(here: Here) -> None:
    """end-14: it deletes nothing that was pushed."""
    here.configure("storage: inmemory")
    started(here).cancel().expect(204)


# A whole repository, which is ours alone.


def test_a_deleted_repository_is_gone_and_the_ones_inside_stay(here: Here) -> None:
    """``DELETE /v2/<name>/``: an extension."""
    draft = image("a")
    push(here, draft, "v1")
    push(here, draft, "v1", name=f"{NAME}/inner")
    session = started(here)
    here.request("DELETE", f"/v2/{NAME}/").expect(202)
    assert gone(here, manifest_path("v1"))
    assert gone(here, manifest_path(draft.digest))
    assert gone(here, blob_path(Digest.of(draft.blobs[0])))
    here.get(session.location).expect(404)
    assert codes(here.get(f"/v2/{NAME}/tags/list").expect(404)) == ["NAME_UNKNOWN"]
    assert here.catalog() == [f"{NAME}/inner"]
    here.manifest(f"{NAME}/inner", "v1").expect(200)


def test_a_repository_that_is_not_there_is_unknown(here: Here) -> None:
    """``DELETE /v2/<name>/``, code-9."""
    answer = here.request("DELETE", f"/v2/{NAME}/").expect(404)
    assert codes(answer) == ["NAME_UNKNOWN"]
