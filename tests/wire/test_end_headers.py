"""What a client sends, or a file holds, ends up in no header but as itself."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core.digest import Digest
from registry.core.mediatype import OCI_INDEX, OCI_MANIFEST
from registry.core.name import RepositoryName
from registry.storage.driver import Put
from registry.storage.layout import blob_data, layer_link, revision_link
from registry.testing.answers import Answer
from registry.testing.harness import Harness, calm, request_bytes
from registry.testing.results import result_of

NAME = RepositoryName("a")
CONTENT = b'{"schemaVersion": 2, "manifests": []}'
NOT_A_HEADER = "".join(chr(c) for c in (*range(9), *range(10, 32), 127))


@pytest.fixture
def harness() -> Iterator[Harness]:
    with calm():
        yield Harness()


def stored(harness: Harness, manifest: bytes) -> str:
    """Where a manifest is that somebody put into the files."""
    digest = Digest.of(manifest)
    link = str(digest).encode()
    changes = [
        Put(blob_data(digest), manifest),
        Put(revision_link(NAME, digest), link),
        Put(layer_link(NAME, digest), link),
    ]
    result_of(harness.driver.apply(changes))
    return f"/v2/{NAME}/manifests/{digest}"


@pytest.mark.parametrize(
    "said",
    [
        "a/b\r\nX-Evil: yes",
        "a/b\n",
        "a/b\0",
        "a/\x1b[2J",
        "a/b; charset=utf-8",
        "a/größe",
        "",
        "a" * 5000,
        ["a/b"],
        {"a": "b"},
        7,
    ],
)
def test_no_media_type_in_a_file_makes_a_header(harness: Harness, said: object) -> None:
    manifest = json.dumps({"schemaVersion": 2, "mediaType": said, "config": {}})
    answer = harness.request("GET", stored(harness, manifest.encode()))
    assert answer.status == 200
    assert answer.header("content-type") == OCI_MANIFEST
    assert answer.header("x-evil") is None


text = st.text(
    alphabet=st.one_of(
        st.characters(max_codepoint=255), st.sampled_from("\r\n\0\t :;\"'<>,=/%&?#")
    ),
    max_size=30,
)


def quoted(value: str) -> str:
    return "".join(f"%{byte:02x}" for byte in value.encode("utf-8"))


@settings(max_examples=150, deadline=None)
@given(value=text)
def test_no_parameter_makes_a_header(value: str) -> None:
    harness = Harness()
    stored(harness, CONTENT)
    at = quoted(value)
    for method, path in (
        ("GET", f"/v2/_catalog?n=1&last={at}"),
        ("GET", f"/v2/a/tags/list?n={at}&last={at}"),
        ("GET", f"/v2/a/referrers/{Digest.of(CONTENT)}?n=1&artifactType={at}"),
        ("GET", f"/v2/{at}/tags/list"),
        ("GET", f"/v2/a/manifests/{at}"),
        ("GET", f"/v2/a/blobs/{at}"),
        ("POST", f"/v2/a/blobs/uploads/?mount={at}&from={at}"),
        ("POST", f"/v2/a/blobs/uploads/?digest-algorithm={at}"),
        ("DELETE", f"/v2/a/blobs/uploads/{at}"),
        ("PUT", f"/v2/a/manifests/x?tag={at}"),
    ):
        answer = harness.request(method, path)
        assert answer.status < 500
        assert_clean(answer)


def assert_clean(answer: Answer) -> None:
    """Only headers that this server sends, each of one line without controls."""
    for name, value in answer.headers:
        assert re.fullmatch("[a-z-]+", name.lower()), name
        assert not set(NOT_A_HEADER) & set(value), value


@settings(max_examples=150, deadline=None)
@given(value=text.filter(lambda t: not set(t) & {"\r", "\n", "\0"}))
def test_no_header_of_a_client_makes_another(value: str) -> None:
    """Hosts, also those that a trusted proxy tells, stand in Location."""
    harness = Harness()
    for name in ("Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded"):
        pairs = [(name, value), ("X-Request-Id", value), ("Range", value)]
        if name != "Host":
            pairs.append(("Host", "registry.test"))
        head = request_bytes("POST", "/v2/a/blobs/uploads/", headers=pairs)
        for answer in harness.exchange(head):
            assert answer.status < 500
            assert_clean(answer)


# Nothing is decompressed.


def test_what_is_pushed_as_compressed_is_kept_as_it_is(harness: Harness) -> None:
    content = gzip.compress(b"0" * 10_000_000)
    path = f"/v2/a/blobs/uploads/?digest={Digest.of(content)}"
    headers = {"Content-Encoding": "gzip"}
    harness.request("POST", path, headers=headers, body=content)
    answer = harness.request(
        "GET", f"/v2/a/blobs/{Digest.of(content)}", headers={"Accept-Encoding": "gzip"}
    )
    assert answer.body == content
    assert answer.header("content-encoding") is None


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_compressed_manifest_is_no_manifest(harness: Harness, encoding: str) -> None:
    headers = {"Content-Type": OCI_INDEX, "Content-Encoding": encoding}
    body = gzip.compress(CONTENT)
    answer = harness.request("PUT", "/v2/a/manifests/x", headers=headers, body=body)
    assert answer.status == 400


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "chunked, gzip", "br"])
def test_a_compressed_transfer_is_refused(harness: Harness, coding: str) -> None:
    """RFC 9112 6.1."""
    head = f"PUT /v2/a/manifests/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}"
    [answer] = harness.exchange(head.encode() + b"\r\n\r\n" + gzip.compress(CONTENT))
    assert answer.status in (400, 501)
