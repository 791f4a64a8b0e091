from __future__ import annotations

from typing import Any

import pytest
from drafts import (
    DOCKER_CONFIG,
    OCI_FOREIGN,
    child,
    described,
    image,
    index,
    parsed,
    written,
)

from registry.core.digest import Digest
from registry.core.errors import ManifestInvalid
from registry.core.manifest import parse_manifest, stored_media_type
from registry.core.mediatype import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    DOCKER_SIGNED,
    OCI_INDEX,
    OCI_MANIFEST,
)
from registry.testing.images import EMPTY

SUBJECT = described(b"not here", OCI_MANIFEST)


def test_an_image_has_a_config_and_layers() -> None:
    manifest = parsed(image())
    assert manifest.config is not None
    assert manifest.config.digest == Digest.of(b"config")
    assert [layer.digest for layer in manifest.layers] == [Digest.of(b"layer")]
    assert manifest.children == ()
    assert not manifest.is_index


def test_the_bytes_are_kept_as_they_came() -> None:
    body = b" \n" + written(image(custom={"any": ["thing", None]})) + b"\n\n"
    assert parse_manifest(body, OCI_MANIFEST).body == body


def test_an_index_has_children_and_may_nest() -> None:
    nested = described(b"index", OCI_INDEX)
    manifest = parsed(index(child(b"one"), nested))
    assert [c.digest for c in manifest.children] == [
        Digest.of(b"one"),
        Digest.of(b"index"),
    ]
    assert manifest.is_index
    assert manifest.config is None
    assert manifest.layers == ()


ALLOWED = {
    "image without layers": image(layers=[]),
    "image with null layers": image(layers=None),
    "image without the layers field": {
        key: value for key, value in image().items() if key != "layers"
    },
    "artifact": image(
        artifactType="application/vnd.example",
        config=described(b"{}", EMPTY, data="e30="),
        layers=[described(b"{}", EMPTY, data="e30=")],
    ),
    "any config": image(config=described(b"{}", "application/anything")),
    "non-distributable layer": image(
        layers=[described(b"x", OCI_FOREIGN, urls=["https://example.com/x"])]
    ),
    "zstd layer": image(
        layers=[described(b"x", "application/vnd.oci.image.layer.v1.tar+zstd")]
    ),
    "layer without a type": image(layers=[{**described(b"x"), "mediaType": None}]),
    "image with a subject": image(subject=SUBJECT, annotations={"key": "value"}),
    "image with nulls": image(subject=None, annotations=None, artifactType=None),
    "custom fields": image(**{"org.example.unknown": {"nested": [1, 2.5, None, True]}}),
    "image with null manifests": image(mediaType=None, manifests=None),
    "index with null config": index(mediaType=None, config=None, layers=None),
    "sha512 config": image(config=described(b"config", algorithm="sha512")),
    "image without mediaType": image(mediaType=None),
    "image with an empty mediaType": image(mediaType=""),
    "3.9 MB of annotations": image(
        annotations={f"annotation-{i}": "A" * 10_000 for i in range(390)}
    ),
    "empty index": index(),
    "index with null manifests": index(manifests=None),
    "artifact index": index(
        child(platform=None), artifactType="application/vnd.example"
    ),
    "index with a subject": index(child(), subject=SUBJECT, annotations={"a": "b"}),
    "index of blobs": index(described(b"layer"), described(b"c", "application/any")),
    "sha512 child": index(child(b"x", algorithm="sha512")),
    "index without mediaType": index(child(), mediaType=None),
}


@pytest.mark.parametrize("draft", ALLOWED.values(), ids=ALLOWED)
def test_all_that_the_specification_allows_is_accepted(draft: dict[str, Any]) -> None:
    content_type = OCI_MANIFEST if draft.get("config") else OCI_INDEX
    assert parsed(draft, content_type).media_type == content_type
    assert stored_media_type(written(draft)) == content_type


def test_a_docker_image_and_a_docker_list_are_accepted() -> None:
    docker = image(mediaType=DOCKER_MANIFEST, config=described(b"{}", DOCKER_CONFIG))
    assert parsed(docker, DOCKER_MANIFEST).media_type == DOCKER_MANIFEST
    several = index(described(b"x", DOCKER_MANIFEST), mediaType=DOCKER_LIST)
    assert parsed(several, DOCKER_LIST).is_index


def test_subject_artifact_type_and_annotations_are_read() -> None:
    manifest = parsed(
        image(subject=SUBJECT, artifactType="application/x", annotations={"a": "b"})
    )
    assert manifest.subject is not None
    assert manifest.subject.digest == Digest.of(b"not here")
    assert manifest.artifact_type == "application/x"
    assert manifest.annotations == {"a": "b"}


def test_parameters_and_case_of_the_content_type_do_not_matter() -> None:
    content_type = f" {OCI_MANIFEST.upper()}; charset=utf-8"
    assert parsed(image(), content_type).media_type == OCI_MANIFEST


@pytest.mark.parametrize("content_type", [None, "", " ", ";"])
def test_without_a_content_type_the_media_type_field_counts(
    content_type: str | None,
) -> None:
    assert parsed(index(), content_type).media_type == OCI_INDEX


@pytest.mark.parametrize(
    "content_type", [None, "", "application/json", DOCKER_SIGNED, "text/html", "\n"]
)
def test_an_unsupported_type_is_refused_with_those_that_work(
    content_type: str | None,
) -> None:
    with pytest.raises(ManifestInvalid, match=OCI_MANIFEST.replace("+", r"\+")):
        parsed(image(mediaType=None), content_type)


@pytest.mark.parametrize(
    ("draft", "content_type"),
    [
        (image(), DOCKER_MANIFEST),
        (image(), OCI_INDEX),
        (index(), OCI_MANIFEST),
        (index(), DOCKER_LIST),
        (image(mediaType=DOCKER_MANIFEST), OCI_MANIFEST),
        (image(mediaType=None), DOCKER_MANIFEST),
        (index(mediaType=None), DOCKER_LIST),
        (image(mediaType=OCI_MANIFEST + ";x=1"), OCI_MANIFEST),
    ],
)
def test_a_media_type_that_contradicts_the_content_type_is_refused(
    draft: dict[str, Any], content_type: str
) -> None:
    with pytest.raises(ManifestInvalid, match="make them the same"):
        parsed(draft, content_type)


@pytest.mark.parametrize(
    ("draft", "named"),
    [
        (image(manifests=[]), "manifests"),
        (image(manifests=[child()], layers=[]), "manifests"),
        (index(config=described()), "config"),
        (index(layers=[]), "layers"),
        (image(Layers=[]), "Layers"),
        (image(CONFIG=described()), "CONFIG"),
        (index(Manifests=[child()]), "Manifests"),
    ],
)
def test_what_could_be_read_as_image_and_as_index_is_refused(
    draft: dict[str, Any], named: str
) -> None:
    """CVE-2021-41190."""
    with pytest.raises(ManifestInvalid, match=named):
        parsed(draft)


@pytest.mark.parametrize("version", [None, 1, 3, 2.0, "2", True, []])
def test_the_schema_version_is_2(version: object) -> None:
    with pytest.raises(ManifestInvalid, match="schemaVersion"):
        parsed(image(schemaVersion=version))


@pytest.mark.parametrize(
    ("draft", "named"),
    [
        (image(config=None), "config"),
        ({key: value for key, value in image().items() if key != "config"}, "config"),
        ({key: value for key, value in index().items() if key != "manifests"}, "mani"),
        (image(config={}), r"config\.digest"),
        (image(layers={}), "layers"),
        (
            image(layers=[described(), {**described(), "size": -3}]),
            r"layers\[1\]\.size",
        ),
        (index(child(), None), r"manifests\[1\]"),
        (image(subject="sha256:0"), "subject"),
        (image(subject=described(digest="sha256:0")), r"subject\.digest"),
        (image(annotations={"key": 5}), "annotations"),
        (image(artifactType=5), "artifactType"),
        (image(mediaType=5), "mediaType"),
    ],
)
def test_the_refusal_of_a_manifest_names_the_field(
    draft: dict[str, Any], named: str
) -> None:
    content_type = OCI_INDEX if draft.get("mediaType") == OCI_INDEX else OCI_MANIFEST
    with pytest.raises(ManifestInvalid, match=named):
        parsed(draft, content_type)


STORED = {
    "OCI image": (written(image()), OCI_MANIFEST),
    "OCI index": (written(index()), OCI_INDEX),
    "Docker image": (written(image(mediaType=DOCKER_MANIFEST)), DOCKER_MANIFEST),
    "untyped image": (written(image(mediaType=None)), OCI_MANIFEST),
    "untyped index": (written(index(mediaType="")), OCI_INDEX),
    "schema 1": (written({"schemaVersion": 1, "signatures": []}), DOCKER_SIGNED),
    "header injection": (written(image(mediaType="a/b\r\nX: y")), OCI_MANIFEST),
    "two types": (b'{"mediaType": "a/x", "mediaType": "a/y"}', "a/y"),
    "nothing": (b"", OCI_MANIFEST),
    "no text": (b"\xff\xfe\xfd", OCI_MANIFEST),
    "no object": (b"[1]", OCI_MANIFEST),
    "deep nesting": (b"[" * 100_000, OCI_MANIFEST),
}


@pytest.mark.parametrize(("body", "media_type"), STORED.values(), ids=STORED)
def test_the_type_of_a_stored_manifest_is_its_field_or_its_shape(
    body: bytes, media_type: str
) -> None:
    assert stored_media_type(body) == media_type
