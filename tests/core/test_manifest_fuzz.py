"""Whatever bytes arrive as a manifest, the answer is a manifest or a refusal."""

from __future__ import annotations

import json
from typing import Any

from drafts import child, described, image, index, written
from hypothesis import given
from hypothesis import strategies as st

from registry.core.errors import ManifestInvalid
from registry.core.manifest import Manifest, parse_manifest, stored_media_type
from registry.core.mediatype import INDEX_TYPES, MANIFEST_TYPES, is_media_type
from registry.core.referrer import referrer_descriptor, referrers_index
from registry.core.rules import ReferenceRules

KEYS = [
    "schemaVersion", "mediaType", "config", "layers", "manifests", "subject",
    "artifactType", "annotations", "digest", "size", "urls", "platform", "os",
]  # fmt: skip
keys = st.sampled_from(KEYS) | st.text(max_size=8)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from([*MANIFEST_TYPES, *INDEX_TYPES, 2, "sha256:" + "a" * 64])
    | st.builds(described, st.binary(max_size=3))
    | st.builds(child)
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5)
    ),
    max_leaves=12,
)
content_types = (
    st.none() | st.sampled_from([*MANIFEST_TYPES, *INDEX_TYPES]) | st.text(max_size=30)
)
bodies = (
    st.binary(max_size=300)
    | st.text(max_size=200).map(str.encode)
    | trees.map(lambda tree: json.dumps(tree).encode())
)


def parse_or_refuse(body: bytes, content_type: str | None) -> None:
    try:
        manifest = parse_manifest(body, content_type)
    except ManifestInvalid as refusal:
        json.dumps([refusal.message, refusal.detail])
    else:
        check_invariants(manifest, body)


def check_invariants(manifest: Manifest, body: bytes) -> None:
    assert manifest.body == body
    assert manifest.media_type in MANIFEST_TYPES | INDEX_TYPES
    assert manifest.is_index == (manifest.config is None)
    assert not (manifest.is_index and manifest.layers)
    assert not (manifest.children and not manifest.is_index)
    assert stored_media_type(body) == manifest.media_type
    rules = ReferenceRules()
    rules.check_urls(manifest)
    assert not (rules.required_blobs(manifest) and rules.required_manifests(manifest))
    if manifest.subject:
        listed = referrer_descriptor(manifest, manifest.subject.digest)
        assert json.loads(referrers_index([listed]))["manifests"]


@given(bodies, content_types)
def test_arbitrary_bytes(body: bytes, content_type: str | None) -> None:
    parse_or_refuse(body, content_type)


@given(bodies)
def test_a_stored_manifest_always_has_a_type_for_its_header(body: bytes) -> None:
    assert is_media_type(stored_media_type(body))


@given(st.data(), st.sampled_from([image(), index(child())]))
def test_one_field_replaced_by_anything(data: Any, draft: dict[str, Any]) -> None:
    key = data.draw(st.sampled_from([*draft, "subject", "annotations", "artifactType"]))
    changed = {**draft, key: data.draw(trees)}
    parse_or_refuse(written(changed), draft["mediaType"])


@given(
    st.sampled_from([image(), index(child())]), st.integers(0, 400), st.integers(0, 255)
)
def test_one_byte_replaced_by_another(
    draft: dict[str, Any], position: int, byte: int
) -> None:
    body = bytearray(written(draft))
    body[position % len(body)] = byte
    parse_or_refuse(bytes(body), draft["mediaType"])


@given(st.sampled_from([image(), index(child())]), st.integers(0, 400))
def test_a_manifest_that_stops_half_way(draft: dict[str, Any], length: int) -> None:
    parse_or_refuse(written(draft)[:length], draft["mediaType"])
