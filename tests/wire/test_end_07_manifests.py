"""Pushing manifests. Spec: distribution end-7, end-7b."""

from __future__ import annotations

import pytest
from ends import (
    ALGORITHMS,
    NAME,
    Draft,
    Here,
    check_served,
    codes,
    image,
    index,
    push,
    push_parts,
    put,
)

from registry.core.digest import Digest
from registry.core.mediatype import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from registry.testing.images import EMPTY

KIND = "application/vnd.example.kind"
FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
OPTIONAL = (
    "storage: {inmemory: {}, delete: {enabled: true}}\n"
    "validation: {manifests: {references: optional}}"
)

both_algorithms = pytest.mark.parametrize("algorithm", ALGORITHMS)


def of_every_kind(algorithm: str) -> dict[str, Draft]:
    """Everything that a manifest may be, by a name for it."""

    def one(seed: str, **more: object) -> Draft:
        return image(f"{seed}-{algorithm}", algorithm=algorithm, **more)

    def several(*children: Draft, **more: object) -> Draft:
        return index(*children, algorithm=algorithm, **more)

    large = {f"annotation-{n}": "A" * 10_000 for n in range(390)}
    return {
        "image": one("image"),
        "large image": one("large", annotations=large),
        "index": several(one("amd64"), one("arm64")),
        "nested index": several(several(one("deep")), several(one("other"))),
        "empty index": several(),
        "artifact": one("artifact", config=(EMPTY, b"{}"), artifactType=KIND),
        "artifact index": several(one("x"), artifactType=KIND),
        "artifact without content": one(
            "empty",
            config=(EMPTY, b"{}"),
            layers=[(EMPTY, b"{}")],
            artifactType=KIND,
        ),
        "no layers": one("bare", layers=[]),
        "data fields": one("data", with_data=True),
        "unknown fields": one("custom", **{"org.example.field": {"x": [1, None]}}),
        "config of any kind": one("config", config=("text/vnd.example", b"any")),
        "layers of any kind": one("layers", layers=[("a/b", b"1"), ("c/d", b"2")]),
    }


KINDS = list(of_every_kind("sha256"))


@pytest.mark.parametrize("kind", KINDS)
@both_algorithms
def test_a_manifest_of_any_kind_is_pushed_by_digest(
    here: Here, kind: str, algorithm: str
) -> None:
    """end-7: 201, the digest of the client, and a location where it is."""
    draft = of_every_kind(algorithm)[kind]
    answer = push(here, draft)
    assert answer.body == b""
    check_served(here, draft, answer)


@pytest.mark.parametrize("kind", KINDS)
def test_a_manifest_of_any_kind_is_pushed_by_tag(here: Here, kind: str) -> None:
    """end-7."""
    draft = of_every_kind("sha256")[kind]
    check_served(here, draft, push(here, draft, "v1"))
    assert here.manifest(NAME, "v1").expect(200).body == draft.body


def test_a_large_manifest_is_what_it_says(here: Here) -> None:
    """end-7: registries should take at least 4 MB."""
    size = len(of_every_kind("sha256")["large image"].body)
    assert 3_900_000 < size <= 4 * 1024 * 1024
    assert here.harness.config.validation.manifests.sizelimit == 4 * 1024 * 1024


def test_a_manifest_above_the_limit_is_too_large(here: Here) -> None:
    """end-7: 413, code-6, where Distribution says 400."""
    here.configure("storage: inmemory\nvalidation: {manifests: {sizelimit: 1000}}")
    small = image("a", annotations={"a": "A" * 100})
    large = image("a", annotations={"a": "A" * 1000})
    push(here, small, "v1")
    answer = put(here, large, "v2").expect(413)
    assert codes(answer) == ["MANIFEST_INVALID"]
    assert b"1000" in answer.body
    here.manifest(NAME, "v2").expect(404)


def test_a_stream_above_the_limit_is_too_large(here: Here) -> None:
    """end-7: 413 also without Content-Length."""
    here.configure("storage: inmemory\nvalidation: {manifests: {sizelimit: 1000}}")
    target = f"/v2/{NAME}/manifests/v1"
    answer = here.request("PUT", target, body=[b"{" * 600, b"{" * 600]).expect(413)
    assert codes(answer) == ["MANIFEST_INVALID"]


@both_algorithms
def test_a_manifest_that_does_not_have_its_digest_is_refused(
    here: Here, algorithm: str
) -> None:
    """end-7, code-4: nothing is stored."""
    draft = image("a", algorithm=algorithm)
    push_parts(here, draft)
    before = here.files()
    body = draft.body + b"  "
    answer = here.push_manifest(NAME, draft.digest, body, OCI_MANIFEST).expect(400)
    assert codes(answer) == ["DIGEST_INVALID"]
    assert here.files() == before
    here.manifest(NAME, draft.digest).expect(404)


@pytest.mark.parametrize(
    "reference", ["sha256:baddigeststring", "md5:" + "0" * 32, "sha512:" + "0" * 64]
)
def test_what_is_no_digest_is_refused(here: Here, reference: str) -> None:
    """end-7, code-4."""
    draft = image("a")
    push_parts(here, draft)
    assert codes(put(here, draft, reference).expect(400)) == ["DIGEST_INVALID"]


def test_what_is_no_tag_is_refused(here: Here) -> None:
    """end-7."""
    draft = image("a")
    push_parts(here, draft)
    assert codes(put(here, draft, ".x").expect(400)) == ["TAG_INVALID"]
    assert codes(put(here, draft, "v1", tags=["-"]).expect(400)) == ["TAG_INVALID"]


# Tag parameters.


@both_algorithms
def test_a_push_by_digest_may_set_tags(here: Here, algorithm: str) -> None:
    """end-7b: each tag is told in OCI-Tag."""
    draft = image("a", algorithm=algorithm)
    push_parts(here, draft)
    tags = ["v1", "v1.2", "latest"]
    answer = put(here, draft, tags=tags).expect(201)
    assert answer.headers.get_all("OCI-Tag") == tags
    assert here.tags(NAME) == sorted(tags)
    for tag in tags:
        pulled = here.manifest(NAME, tag).expect(200)
        assert pulled.body == draft.body
        assert pulled.header("Docker-Content-Digest") == str(draft.digest)


def test_a_push_by_tag_may_set_more_tags(here: Here) -> None:
    """end-7b."""
    draft = image("a")
    push_parts(here, draft)
    answer = put(here, draft, "v1", tags=["v2", "v2"]).expect(201)
    assert answer.headers.get_all("OCI-Tag") == ["v1", "v2"]
    assert here.tags(NAME) == ["v1", "v2"]


def test_a_push_without_tags_tells_of_none(here: Here) -> None:
    """end-7b."""
    assert push(here, image("a")).headers.get_all("OCI-Tag") is None


# What it is.


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"schemaVersion": 1}',
        b'{"schemaVersion": 2}',
        b'{"schemaVersion": 2, "config": 3}',
        b"[" * 100_000,
        b'{"schemaVersion": NaN}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_manifest_is_refused(here: Here, body: bytes) -> None:
    """end-7, code-6."""
    answer = here.push_manifest(NAME, "v1", body, OCI_MANIFEST).expect(400)
    assert codes(answer) == ["MANIFEST_INVALID"]


@pytest.mark.parametrize("kind", ["application/json", "text/plain", OCI_INDEX])
def test_a_manifest_of_another_type_is_refused(here: Here, kind: str) -> None:
    """end-7, code-6."""
    draft = image("a")
    push_parts(here, draft)
    answer = here.push_manifest(NAME, "v1", draft.body, kind).expect(400)
    assert codes(answer) == ["MANIFEST_INVALID"]


@pytest.mark.parametrize(
    "kind", [OCI_MANIFEST + "; charset=utf-8", OCI_MANIFEST.upper(), ""]
)
def test_parameters_of_the_type_are_ignored(here: Here, kind: str) -> None:
    """end-7: and without a type, the manifest says it itself."""
    draft = image("a")
    push_parts(here, draft)
    here.push_manifest(NAME, "v1", draft.body, kind).expect(201)
    pulled = here.manifest(NAME, "v1").expect(200)
    assert pulled.header("Content-Type") == OCI_MANIFEST


def test_a_docker_manifest_is_pushed(here: Here) -> None:
    """end-7: Docker's own type, for its clients."""
    draft = image("a", mediaType=DOCKER_MANIFEST)
    push_parts(here, draft)
    here.push_manifest(NAME, "v1", draft.body, DOCKER_MANIFEST).expect(201)
    pulled = here.manifest(NAME, "v1").expect(200)
    assert pulled.header("Content-Type") == DOCKER_MANIFEST


def test_the_bytes_are_kept_as_they_are(here: Here) -> None:
    """end-7: whatever their spacing, order and spelling."""
    draft = image("a")
    body = b'{\n "annotations": {"\\u00e9": "\xc3\xa9"},' + draft.body[1:] + b"\n\n"
    push_parts(here, draft)
    answer = here.push_manifest(NAME, "v1", body, OCI_MANIFEST).expect(201)
    assert answer.header("Docker-Content-Digest") == str(Digest.of(body))
    assert here.manifest(NAME, "v1").expect(200).body == body


# Compare and swap.


def test_a_tag_moves_only_from_what_the_client_has_seen(here: Here) -> None:
    """If-Match: 412 for the one who comes second. RFC 9110 13.1.1."""
    seen, mine, theirs = image("seen"), image("mine"), image("theirs")
    push(here, seen, "v1")
    for draft in (mine, theirs):
        push_parts(here, draft)
    etag = here.manifest(NAME, "v1").header("ETag")
    put(here, theirs, "v1", If_Match=etag).expect(201)
    answer = put(here, mine, "v1", If_Match=etag).expect(412)
    assert codes(answer) == ["DENIED"]
    assert here.manifest(NAME, "v1").body == theirs.body


def test_a_tag_is_made_only_where_there_is_none(here: Here) -> None:
    """If-None-Match: *. RFC 9110 13.1.2."""
    first, second = image("first"), image("second")
    push_parts(here, second)
    push_parts(here, first)
    put(here, first, "v1", If_None_Match="*").expect(201)
    put(here, second, "v1", If_None_Match="*").expect(412)
    assert here.manifest(NAME, "v1").body == first.body


def test_a_condition_is_about_every_tag_that_would_move(here: Here) -> None:
    """If-None-Match: *, with ``tag`` parameters. RFC 9110 13.1.2."""
    first, second = image("first"), image("second")
    push(here, first, "taken")
    push_parts(here, second)
    before = here.files()
    for tags in (["taken"], ["free", "taken"], ["taken", "free"]):
        answer = put(here, second, tags=tags, If_None_Match="*").expect(412)
        assert codes(answer) == ["DENIED"]
    assert here.files() == before
    put(here, second, tags=["free", "too"], If_None_Match="*").expect(201)
    put(here, second, If_None_Match="*").expect(412)


def test_a_tag_parameter_moves_only_from_what_the_client_has_seen(here: Here) -> None:
    """If-Match, with ``tag`` parameters. RFC 9110 13.1.1."""
    seen, mine, theirs = image("seen"), image("mine"), image("theirs")
    push(here, seen, "v1")
    for draft in (mine, theirs):
        push_parts(here, draft)
    etag = here.manifest(NAME, "v1").header("ETag")
    put(here, theirs, tags=["v1"], If_Match=etag).expect(201)
    put(here, mine, tags=["v1"], If_Match=etag).expect(412)
    assert here.manifest(NAME, "v1").body == theirs.body


@pytest.mark.parametrize("etag", ["*", f'"{image("a").digest}"'])
def test_what_is_not_there_matches_nothing(here: Here, etag: str) -> None:
    """If-Match. RFC 9110 13.1.1."""
    draft = image("a")
    push_parts(here, draft)
    put(here, draft, "v1", If_Match=etag).expect(412)
    put(here, draft, "v1").expect(201)
    put(here, draft, "v1", If_Match=etag).expect(201)


def test_a_refused_condition_writes_nothing(here: Here) -> None:
    """If-Match."""
    draft = image("a")
    push_parts(here, draft)
    before = here.files()
    put(here, draft, "v1", If_Match='"sha256:other"').expect(412)
    assert here.files() == before
