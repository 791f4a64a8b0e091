"""Pushing blobs, in all ways there are, and how an upload begins.

Spec: distribution end-4a, end-4b, end-4c, end-5, end-6.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from ends import ALGORITHMS, NAME, Here, codes, missing_session, started

from registry.core.digest import Digest
from registry.testing.client import Answer, with_query

CONTENT = random.Random(4).randbytes(3067)
CHUNKS = [CONTENT[:1024], CONTENT[1024:2048], CONTENT[2048:]]
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


def in_one_post(here: Here, content: bytes, digest: Digest) -> Answer:
    """end-4b."""
    target = f"/v2/{NAME}/blobs/uploads/?digest={digest}"
    return here.request("POST", target, body=content)


def in_post_and_put(here: Here, content: bytes, digest: Digest) -> Answer:
    """end-4a, end-6."""
    return started(here).finish(digest, content)


def in_post_and_streamed_put(here: Here, content: bytes, digest: Digest) -> Answer:
    """end-4a, end-6, without a length."""
    target = with_query(started(here).location, f"digest={digest}")
    return here.request("PUT", target, body=[content[:10], content[10:]])


def in_chunks(here: Here, content: bytes, digest: Digest) -> Answer:
    """end-4a, end-5, end-6."""
    session = started(here)
    for start in range(0, len(content), 1024):
        session.append(content[start : start + 1024], start=start).expect(202)
    return session.finish(digest)


def in_chunks_with_the_last_in_put(
    here: Here, content: bytes, digest: Digest
) -> Answer:
    """end-4a, end-5, end-6."""
    session, last = started(here), max(0, len(content) - 1024)
    if last:
        session.append(content[:last], start=0).expect(202)
    target = with_query(session.location, f"digest={digest}")
    lines = {"Content-Range": f"{last}-{len(content) - 1}"}
    return here.request("PUT", target, body=content[last:], headers=lines)


def in_a_stream(here: Here, content: bytes, digest: Digest) -> Answer:
    """end-4a, end-5 with a body of unknown length, end-6."""
    session = started(here)
    session.stream([content[:10], content[10:]]).expect(202)
    return session.finish(digest)


Way = Callable[[Here, bytes, Digest], Answer]
every_way = pytest.mark.parametrize(
    "way",
    [
        in_one_post,
        in_post_and_put,
        in_post_and_streamed_put,
        in_chunks,
        in_chunks_with_the_last_in_put,
        in_a_stream,
    ],
)


# All ways to push.


@every_way
@every_algorithm
@pytest.mark.parametrize("content", [CONTENT, CONTENT[:512], b"{}"])
def test_a_blob_is_pushed(here: Here, way: Way, algorithm: str, content: bytes) -> None:
    """end-4a to end-6: 201, and the location is where the blob is."""
    digest = Digest.of(content, algorithm)
    answer = way(here, content, digest).expect(201)
    assert answer.body == b""
    assert answer.header("Content-Length") == "0"
    assert answer.header("Docker-Content-Digest") == str(digest)
    assert urlsplit(answer.header("Location")).path == f"/v2/{NAME}/blobs/{digest}"
    assert here.get(answer.header("Location")).expect(200).body == content


@every_way
@every_algorithm
def test_content_that_does_not_match_its_digest_is_refused(
    here: Here, way: Way, algorithm: str
) -> None:
    """end-4a to end-6: 400, code-4; there is no such blob afterwards."""
    digest = Digest.of(CONTENT, algorithm)
    answer = way(here, CONTENT + b"oh no", digest).expect(400)
    assert codes(answer) == ["DIGEST_INVALID"]
    here.blob(NAME, digest).expect(404)
    here.blob(NAME, Digest.of(CONTENT + b"oh no", algorithm)).expect(404)


@every_algorithm
def test_a_refused_push_leaves_no_session_behind(here: Here, algorithm: str) -> None:
    """end-6, code-4: nothing could mend it."""
    session = started(here)
    session.append(b"oh no").expect(202)
    session.finish(Digest.of(CONTENT, algorithm)).expect(400)
    assert missing_session(here, session.location)


def test_a_refused_single_post_leaves_nothing_on_disk(here: Here) -> None:
    """end-4b, code-4."""
    digest = Digest.of(CONTENT)
    in_one_post(here, b"oh no", digest).expect(400)
    assert here.files() == []


@every_algorithm
@pytest.mark.parametrize("way", [in_one_post, in_post_and_put, in_a_stream])
def test_the_empty_blob_is_pushed(here: Here, way: Way, algorithm: str) -> None:
    """end-4a to end-6."""
    digest = Digest.of(b"", algorithm)
    answer = way(here, b"", digest).expect(201)
    assert here.get(answer.header("Location")).expect(200).body == b""


@every_way
def test_a_blob_may_be_pushed_again(here: Here, way: Way) -> None:
    """end-4a to end-6."""
    digest = Digest.of(CONTENT)
    way(here, CONTENT, digest).expect(201)
    way(here, CONTENT, digest).expect(201)
    assert here.blob(NAME, digest).expect(200).body == CONTENT


# Beginning.


def test_an_upload_begins_empty(here: Here) -> None:
    """end-4a: 202, where to go on, and what Docker's clients read."""
    answer = here.request("POST", f"/v2/{NAME}/blobs/uploads/").expect(202)
    session = answer.header("Docker-Upload-UUID")
    assert re.fullmatch(UUID, session)
    path = urlsplit(answer.header("Location")).path
    assert path == f"/v2/{NAME}/blobs/uploads/{session}"
    assert answer.header("Range") == "0-0"
    assert answer.header("Content-Length") == "0"


@pytest.mark.parametrize("slash", ["/", ""])
def test_the_last_slash_may_be_left_out(here: Here, slash: str) -> None:
    """end-4a, as Distribution takes it, but without a redirect."""
    here.request("POST", f"/v2/{NAME}/blobs/uploads{slash}").expect(202)


def test_a_body_that_belongs_to_no_blob_is_not_read(here: Here) -> None:
    """end-4a: crane sends JSON here."""
    lines = {"Content-Type": "application/json"}
    answer = here.request(
        "POST", f"/v2/{NAME}/blobs/uploads/", body=b"{}", headers=lines
    )
    assert answer.expect(202).header("Range") == "0-0"


@pytest.mark.parametrize("hint", ["sha256", "sha512", "sha384"])
@every_algorithm
def test_the_algorithm_may_be_announced(here: Here, hint: str, algorithm: str) -> None:
    """end-4c: a hint; the digest of the PUT decides."""
    session = started(here, query=f"?digest-algorithm={hint}")
    session.append(CONTENT).expect(202)
    answer = session.finish(Digest.of(CONTENT, algorithm)).expect(201)
    assert answer.header("Docker-Content-Digest").startswith(algorithm + ":")


def test_an_algorithm_that_is_not_supported_is_refused_at_once(here: Here) -> None:
    """end-4c, code-4."""
    target = f"/v2/{NAME}/blobs/uploads/?digest-algorithm=md5"
    assert codes(here.request("POST", target).expect(400)) == ["DIGEST_INVALID"]
    assert here.files() == []


@pytest.mark.parametrize("digest", ["sha256:short", "md5:" + "0" * 32, "nocolon"])
def test_what_is_no_digest_is_refused_before_the_body(here: Here, digest: str) -> None:
    """end-4b, code-4."""
    target = f"/v2/{NAME}/blobs/uploads/?digest={digest}"
    answer = here.request("POST", target, body=CONTENT).expect(400)
    assert codes(answer) == ["DIGEST_INVALID"]
    assert here.files() == []
