from __future__ import annotations

import json

from drafts import OCI_CONFIG, child, described, image, index, parsed, written

from registry.core.descriptor import Descriptor
from registry.core.digest import Digest
from registry.core.mediatype import OCI_INDEX, OCI_MANIFEST
from registry.core.referrer import referrer_descriptor, referrers_index
from registry.testing.images import EMPTY

SUBJECT = described(b"subject", OCI_MANIFEST)
SBOM = "application/vnd.example.sbom.v1"


def test_a_referrer_is_listed_with_its_artifact_type_and_annotations() -> None:
    draft = image(
        subject=SUBJECT,
        artifactType=SBOM,
        config=described(b"{}", EMPTY),
        annotations={"org.example.format": "json", "org.example.nothing": ""},
    )
    digest = Digest.of(written(draft))
    assert referrer_descriptor(parsed(draft), digest).to_json() == {
        "mediaType": OCI_MANIFEST,
        "digest": str(digest),
        "size": len(written(draft)),
        "annotations": {"org.example.format": "json", "org.example.nothing": ""},
        "artifactType": SBOM,
    }


def test_an_image_without_artifact_type_is_known_by_its_config() -> None:
    for artifact_type in (None, ""):
        manifest = parsed(image(subject=SUBJECT, artifactType=artifact_type))
        listed = referrer_descriptor(manifest, Digest.of(manifest.body))
        assert listed.artifact_type == OCI_CONFIG


def test_an_index_without_artifact_type_has_none() -> None:
    manifest = parsed(index(child(), subject=SUBJECT))
    listed = referrer_descriptor(manifest, Digest.of(manifest.body))
    assert "artifactType" not in listed.to_json()


def test_an_index_with_artifact_type_keeps_it() -> None:
    manifest = parsed(index(child(), subject=SUBJECT, artifactType=SBOM))
    assert referrer_descriptor(manifest, Digest.of(b"")).artifact_type == SBOM


def test_no_referrers_are_an_empty_index() -> None:
    assert json.loads(referrers_index([])) == {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [],
    }


def test_referrers_are_listed_in_the_order_given() -> None:
    listed = [
        Descriptor.from_json(child(content), where="here")
        for content in (b"b", b"a", b"c")
    ]
    answer = json.loads(referrers_index(listed))
    assert answer["manifests"] == [descriptor.to_json() for descriptor in listed]


def test_an_answer_is_itself_a_valid_index() -> None:
    manifest = parsed(image(annotations={"name": "Zoë \ud800"}))
    listed = referrer_descriptor(manifest, Digest.of(b""))
    answer = json.loads(referrers_index([listed]))
    assert parsed(answer, OCI_INDEX).children == (listed,)
