"""Pulling blobs, whole and in parts. Spec: distribution end-2. RFC 9110 13 and 14."""

from __future__ import annotations

import random

import pytest
from ends import ALGORITHMS, DELETE, NAME, OTHER, Here, codes, now

from registry.core.digest import Digest
from registry.storage.driver import Put
from registry.storage.layout import blob_data

CONTENT = random.Random(2).randbytes(2048)
LARGE = random.Random(3).randbytes(200_000)
"""More than is kept in memory, so it is sent from the driver."""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("content", [CONTENT, LARGE, b"", b"{}"])
def test_a_blob_is_pulled_as_it_was_pushed(
    here: Here, content: bytes, algorithm: str
) -> None:
    """end-2."""
    digest = here.push_blob(NAME, content, algorithm=algorithm)
    answer = here.blob(NAME, digest).expect(200)
    assert answer.body == content
    assert answer.header("Content-Length") == str(len(content))
    assert answer.header("Content-Type") == "application/octet-stream"
    assert answer.header("Docker-Content-Digest") == str(digest)
    assert answer.header("ETag") == f'"{digest}"'
    assert answer.header("Accept-Ranges") == "bytes"
    assert answer.header("Cache-Control") == "max-age=31536000"


def test_a_blob_is_never_compressed_on_the_way(here: Here) -> None:
    """end-2: its bytes are its name. containerd offers to take several codings."""
    digest = here.push_blob(NAME, b"a" * 10_000)
    lines = {"Accept-Encoding": "zstd,gzip,deflate"}
    answer = here.request("GET", f"/v2/{NAME}/blobs/{digest}", headers=lines)
    assert answer.expect(200).body == b"a" * 10_000
    assert answer.headers.get("Content-Encoding") is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("content", [CONTENT, LARGE, b"", b"{}"])
def test_head_of_a_blob_mirrors_get(here: Here, content: bytes, algorithm: str) -> None:
    """end-2."""
    digest = here.push_blob(NAME, content, algorithm=algorithm)
    head = here.request("HEAD", f"/v2/{NAME}/blobs/{digest}").expect(200)
    assert head.body == b""
    assert head.headers.items() == here.blob(NAME, digest).headers.items()


def test_content_pushed_under_two_algorithms_is_served_under_both(here: Here) -> None:
    """end-2: each answer names the digest that was asked for."""
    for algorithm in ALGORITHMS:
        here.push_blob(NAME, CONTENT, algorithm=algorithm)
    for algorithm in ALGORITHMS:
        digest = Digest.of(CONTENT, algorithm)
        answer = here.blob(NAME, digest).expect(200)
        assert answer.body == CONTENT
        assert answer.header("Docker-Content-Digest") == str(digest)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_blob_that_was_never_pushed_is_unknown(
    here: Here, method: str, algorithm: str
) -> None:
    """end-2, code-1."""
    digest = Digest.of(b"never", algorithm)
    answer = here.request(method, f"/v2/{NAME}/blobs/{digest}").expect(404)
    assert method == "HEAD" or codes(answer) == ["BLOB_UNKNOWN"]


def test_a_blob_of_another_repository_is_unknown(here: Here) -> None:
    """end-2, code-1."""
    digest = here.push_blob("other", CONTENT)
    assert codes(here.blob(NAME, digest).expect(404)) == ["BLOB_UNKNOWN"]


@pytest.mark.parametrize(
    "text", ["sha256:short", "sha256:" + "A" * 64, "md5:" + "a" * 32, "nocolon", ":"]
)
def test_what_is_no_digest_is_refused(here: Here, text: str) -> None:
    """end-2, code-4."""
    answer = here.get(f"/v2/{NAME}/blobs/{text}").expect(400)
    assert codes(answer) == ["DIGEST_INVALID"]


# Parts.


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("content", [CONTENT, LARGE])
@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=500-1499", 500, 1499),
        ("bytes=500-", 500, -1),
        ("bytes=-500", -500, -1),
        ("bytes=2000-9999999", 2000, -1),
        ("bytes=0-0", 0, 0),
        ("bytes=-9999999", 0, -1),
    ],
)
def test_part_of_a_blob(
    here: Here, content: bytes, algorithm: str, asked: str, first: int, last: int
) -> None:
    """end-2 with Range."""
    size = len(content)
    first, last = first % size, last % size
    digest = here.push_blob(NAME, content, algorithm=algorithm)
    answer = here.get(f"/v2/{NAME}/blobs/{digest}", Range=asked).expect(206)
    assert answer.body == content[first : last + 1]
    assert answer.header("Content-Length") == str(last + 1 - first)
    assert answer.header("Content-Range") == f"bytes {first}-{last}/{size}"
    assert answer.header("Docker-Content-Digest") == str(digest)


@pytest.mark.parametrize(
    "asked", ["bytes=500-0", "bytes=5000-10000", "bytes=2048-", "bytes=-0"]
)
def test_a_range_that_holds_nothing_is_not_satisfiable(here: Here, asked: str) -> None:
    """end-2: 416, and how long the blob is. RFC 9110 15.5.17."""
    digest = here.push_blob(NAME, CONTENT)
    answer = here.get(f"/v2/{NAME}/blobs/{digest}", Range=asked).expect(416)
    assert answer.header("Content-Range") == "bytes */2048"
    assert codes(answer)


def test_several_parts_come_as_one_answer_of_many(here: Here) -> None:
    """end-2. RFC 9110 14.6."""
    digest = here.push_blob(NAME, CONTENT)
    answer = here.get(f"/v2/{NAME}/blobs/{digest}", Range="bytes=0-9,100-109")
    kind, _, boundary = answer.expect(206).header("Content-Type").partition("boundary=")
    assert kind == "multipart/byteranges; "
    _, first, second, end = answer.body.split(f"--{boundary}".encode())
    assert b"Content-Range: bytes 0-9/2048\r\n" in first
    assert first.endswith(CONTENT[:10] + b"\r\n")
    assert b"Content-Range: bytes 100-109/2048\r\n" in second
    assert second.endswith(CONTENT[100:110] + b"\r\n")
    assert end == b"--\r\n"


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes=x-y", "bytes"])
def test_a_range_that_nobody_understands_is_ignored(here: Here, asked: str) -> None:
    """end-2. RFC 9110 14.2."""
    digest = here.push_blob(NAME, CONTENT)
    answer = here.get(f"/v2/{NAME}/blobs/{digest}", Range=asked)
    assert answer.expect(200).body == CONTENT


def test_a_range_counts_only_for_the_content_that_the_client_has(here: Here) -> None:
    """If-Range. RFC 9110 13.1.5."""
    digest = here.push_blob(NAME, CONTENT)

    def status(if_range: str) -> int:
        lines = {"Range": "bytes=0-9", "If-Range": if_range}
        return here.request("GET", f"/v2/{NAME}/blobs/{digest}", headers=lines).status

    assert status(f'"{digest}"') == 206
    assert status('"sha256:other"') == 200


@pytest.mark.parametrize("form", ['"{}"', "{}", 'W/"{}"', '"other", "{}"', "*"])
def test_what_the_client_has_is_not_sent_again(here: Here, form: str) -> None:
    """If-None-Match: 304 without a body. RFC 9110 13.1.2."""
    digest = here.push_blob(NAME, CONTENT)
    path = f"/v2/{NAME}/blobs/{digest}"
    lines = {"If-None-Match": form.format(digest)}
    answer = here.request("GET", path, headers=lines).expect(304)
    assert (answer.body, answer.header("ETag")) == (b"", f'"{digest}"')


def test_a_deleted_blob_is_unknown_also_to_who_has_it(here: Here) -> None:
    """If-None-Match does not hide that a blob is gone."""
    digest = here.push_blob(NAME, CONTENT)
    path = f"/v2/{NAME}/blobs/{digest}"
    here.request("DELETE", path).expect(202)
    lines = {"If-None-Match": f'"{digest}"'}
    here.request("GET", path, headers=lines).expect(404)


@pytest.mark.parametrize("size", [5000, 100_000], ids=["small", "large"])
def test_content_that_was_damaged_is_right_everywhere_after_a_push(
    here: Here, size: int
) -> None:
    """end-2, end-6: one file for all repositories, so one push mends all of them."""
    content = random.Random(2).randbytes(size)
    digest = here.push_blob(NAME, content)
    now(here.driver.apply([Put(blob_data(digest), content[:-9])]))
    here.configure(DELETE)
    broken = here.blob(NAME, digest)
    assert broken.status == (404 if size == 5000 else 200)
    assert broken.status == 200 or str(digest).encode() in broken.body
    here.push_blob(OTHER, content)
    for name in (NAME, OTHER):
        assert here.blob(name, digest).expect(200).body == content
        head = here.request("HEAD", f"/v2/{name}/blobs/{digest}").expect(200)
        assert head.header("Content-Length") == str(size)
