"""Pushing manifests: what they refer to has to be here. Spec: distribution end-7."""

from __future__ import annotations

import json

import pytest
from ends import (
    ALGORITHMS,
    NAME,
    Draft,
    Here,
    artifact,
    check_served,
    codes,
    described,
    image,
    index,
    push,
    put,
    to_json,
)

from registry.core.digest import Digest
from registry.core.mediatype import OCI_INDEX, OCI_MANIFEST

KIND = "application/vnd.example.kind"
FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
OPTIONAL = (
    "storage: {inmemory: {}, delete: {enabled: true}}\n"
    "validation: {manifests: {references: optional}}"
)

both_algorithms = pytest.mark.parametrize("algorithm", ALGORITHMS)


def elsewhere(seed: str) -> Draft:
    """An image with a layer that clients fetch from another place."""
    digest = Digest.of(seed.encode())
    foreign = {
        "mediaType": FOREIGN,
        "digest": str(digest),
        "size": 123_456,
        "urls": [f"https://store.example.com/blobs/{digest}"],
    }
    draft = image(seed)
    document = json.loads(draft.body)
    document["layers"].insert(0, foreign)
    return Draft(media_type=OCI_MANIFEST, body=to_json(document), blobs=draft.blobs)


# What it refers to.


@pytest.mark.parametrize("kind", ["config", "layer"])
def test_an_image_whose_blob_is_missing_is_refused(here: Here, kind: str) -> None:
    """end-7, code-5: the detail names what to push first."""
    draft = image("a")
    missing = draft.blobs[0 if kind == "config" else 1]
    for blob in draft.blobs:
        if blob is not missing:
            here.push_blob(NAME, blob)
    answer = put(here, draft, "v1").expect(400)
    assert codes(answer) == ["MANIFEST_BLOB_UNKNOWN"]
    assert answer.json()["errors"][0]["detail"] == str(Digest.of(missing))
    here.manifest(NAME, "v1").expect(404)


def test_all_that_is_missing_is_told_at_once(here: Here) -> None:
    """end-7, code-5."""
    draft = image("a")
    answer = put(here, draft, "v1").expect(400)
    assert codes(answer) == ["MANIFEST_BLOB_UNKNOWN"] * 3
    told = {entry["detail"] for entry in answer.json()["errors"]}
    assert told == {str(Digest.of(blob)) for blob in draft.blobs}


def test_an_index_whose_image_is_missing_is_refused(here: Here) -> None:
    """end-7, code-5."""
    draft = index(image("a"))
    answer = put(here, draft, "v1").expect(400)
    assert codes(answer) == ["MANIFEST_BLOB_UNKNOWN"]


def test_what_another_repository_holds_does_not_count(here: Here) -> None:
    """end-7, code-5: mount it first."""
    draft = image("a")
    push(here, draft, "v1", name="another")
    refused = codes(put(here, draft, "v1").expect(400))
    assert set(refused) == {"MANIFEST_BLOB_UNKNOWN"}


def test_an_index_may_list_layers(here: Here) -> None:
    """end-7: BuildKit's cache does."""
    layer = b"cache"
    here.push_blob(NAME, layer)
    children = [described(layer, "application/vnd.example.layer")]
    body = to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children})
    here.push_manifest(NAME, "cache", body, OCI_INDEX).expect(201)


def test_a_layer_that_is_elsewhere_need_not_be_here(here: Here) -> None:
    """end-7. Spec: image-spec layer, Non-Distributable Layers."""
    draft = elsewhere("a")
    check_served(here, draft, push(here, draft, "v1"))


def test_where_references_are_optional_anything_may_be_missing(here: Here) -> None:
    """end-7, ``validation.manifests.references: optional``."""
    here.configure(OPTIONAL)
    for draft in (image("sparse"), index(image("missing"), image("too"))):
        check_served(here, draft, put(here, draft, "v1").expect(201))


# The subject.


def test_a_subject_is_acknowledged(here: Here) -> None:
    """end-7: OCI-Subject."""
    subject = image("a")
    push(here, subject, "v1")
    answer = push(here, artifact("sbom", KIND, subject=subject.described()))
    assert answer.header("OCI-Subject") == str(subject.digest)
    answer = push(here, index(subject, subject=subject.described()))
    assert answer.header("OCI-Subject") == str(subject.digest)


@both_algorithms
def test_a_subject_may_be_missing(here: Here, algorithm: str) -> None:
    """end-7: it may be pushed later."""
    subject = image("later", algorithm=algorithm).described()
    answer = push(here, artifact("sbom", KIND, subject=subject), "v1")
    assert answer.header("OCI-Subject") == subject["digest"]


def test_without_a_subject_none_is_acknowledged(here: Here) -> None:
    """end-7."""
    assert push(here, image("a")).headers.get("OCI-Subject") is None
