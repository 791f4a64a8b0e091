from __future__ import annotations

import json
from typing import Any

import pytest
from drafts import described
from hypothesis import given
from hypothesis import strategies as st

from registry.core.descriptor import SIZE_LIMIT, Descriptor
from registry.core.digest import HEX_LENGTHS, Digest
from registry.core.errors import ManifestInvalid

descriptors = st.builds(
    Descriptor,
    media_type=st.text(max_size=20),
    digest=st.builds(
        Digest.of, st.binary(max_size=5), st.sampled_from(list(HEX_LENGTHS))
    ),
    size=st.integers(0, SIZE_LIMIT),
    urls=st.lists(st.text(max_size=9), max_size=2).map(tuple),
    annotations=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    artifact_type=st.none() | st.text(min_size=1, max_size=9),
    platform=st.none() | st.just({"os": "linux", "architecture": "arm64"}),
)


@given(descriptors)
def test_a_descriptor_survives_being_written_and_read(descriptor: Descriptor) -> None:
    value = json.loads(json.dumps(descriptor.to_json()))
    assert Descriptor.from_json(value, where="here") == descriptor


@given(descriptors)
def test_a_descriptor_can_be_a_key(descriptor: Descriptor) -> None:
    assert {descriptor: 1}[descriptor] == 1


def test_fields_are_written_in_the_order_of_the_specification() -> None:
    descriptor = Descriptor.from_json(
        described(
            urls=["https://example.com/"],
            annotations={"a": "b"},
            platform={"os": "linux", "architecture": "amd64"},
            artifactType="application/example",
        ),
        where="layers[0]",
    )
    assert list(descriptor.to_json()) == [
        "mediaType",
        "digest",
        "size",
        "urls",
        "annotations",
        "platform",
        "artifactType",
    ]


def test_empty_fields_are_not_written() -> None:
    descriptor = Descriptor.from_json(described(), where="config")
    assert list(descriptor.to_json()) == ["mediaType", "digest", "size"]


@pytest.mark.parametrize("field", ["urls", "annotations", "platform", "artifactType"])
def test_null_means_that_a_field_is_missing(field: str) -> None:
    plain = Descriptor.from_json(described(), where="config")
    assert Descriptor.from_json(described(**{field: None}), where="config") == plain


def test_embedded_data_and_unknown_fields_are_tolerated() -> None:
    value = described(data="Y29udGVudA==", newUnspecifiedField=None, org={"x": [1]})
    assert Descriptor.from_json(value, where="config") == Descriptor.from_json(
        described(), where="config"
    )


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"digest": "sha256:short"}, "digest"),
        ({"digest": None}, "digest"),
        ({"digest": 5}, "digest"),
        ({"digest": "md5:" + "a" * 32}, "digest"),
        ({"size": None}, "size"),
        ({"size": -1}, "size"),
        ({"size": 1.0}, "size"),
        ({"size": True}, "size"),
        ({"size": "7"}, "size"),
        ({"size": 2**63}, "size"),
        ({"mediaType": 1}, "mediaType"),
        ({"urls": "https://example.com"}, "urls"),
        ({"urls": [1]}, "urls"),
        ({"annotations": []}, "annotations"),
        ({"annotations": {"key": 1}}, "annotations"),
        ({"artifactType": {}}, "artifactType"),
        ({"platform": "linux"}, "platform"),
        ({"platform": {"os": 1}}, r"platform\.os"),
        ({"platform": {"architecture": []}}, r"platform\.architecture"),
    ],
)
def test_the_refusal_says_where_the_fault_is(
    changed: dict[str, Any], named: str
) -> None:
    with pytest.raises(ManifestInvalid, match=rf"layers\[3\]\.{named}"):
        Descriptor.from_json({**described(), **changed}, where="layers[3]")


@pytest.mark.parametrize("value", [None, [], "sha256:", 3])
def test_a_descriptor_is_an_object(value: object) -> None:
    with pytest.raises(ManifestInvalid, match=r"subject is not an object"):
        Descriptor.from_json(value, where="subject")


def test_a_negative_size_cannot_exist() -> None:
    with pytest.raises(ValueError, match="size"):
        Descriptor(media_type="", digest=Digest.of(b""), size=-1)
