"""Asking how far an upload is, and ending it.

Spec: distribution end-6, end-13, end-14.
"""

from __future__ import annotations

import random
from urllib.parse import urlsplit

import pytest
from ends import ALGORITHMS, NAME, Here, codes, missing_session, started

from registry.core.digest import Digest
from registry.testing.client import Session, with_query
from registry.testing.harness import request_bytes

CONTENT = random.Random(13).randbytes(3067)
CHUNKS = [CONTENT[:1024], CONTENT[1024:2048], CONTENT[2048:]]

every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


# Where it stands.


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("size", "told"), [(0, "0-0"), (1, "0-0"), (2, "0-1"), (1024, "0-1023")]
)
def test_a_session_tells_how_far_it_is(
    here: Here, method: str, size: int, told: str
) -> None:
    """end-13: 204."""
    session = started(here)
    session.append(CONTENT[:size]).expect(202)
    answer = here.request(method, session.location).expect(204)
    assert answer.header("Range") == told
    assert answer.header("Docker-Upload-UUID") == session.identifier
    assert urlsplit(answer.header("Location")).path == session.path
    assert answer.headers.get("Content-Length") is None


def test_a_session_outlives_the_registry(here: Here) -> None:
    """end-13, end-5: also one that is started again with another secret."""
    session = started(here)
    session.append(CHUNKS[0], start=0).expect(202)
    here.configure("storage: inmemory\nhttp: {secret: another}")
    assert session.offset() == 1024
    session.append(CHUNKS[1] + CHUNKS[2], start=1024).expect(202)
    session.commit(CONTENT)


# Ending.


def test_a_cancelled_session_is_unknown(here: Here) -> None:
    """end-14: 204, then 404."""
    session = started(here)
    session.append(CONTENT).expect(202)
    assert here.files()
    answer = session.cancel().expect(204)
    assert answer.header("Docker-Upload-UUID") == session.identifier
    assert missing_session(here, session.location)
    assert here.files() == []


def test_an_ended_session_is_unknown(here: Here) -> None:
    """end-6, code-3."""
    session = started(here)
    session.finish(Digest.of(CONTENT), CONTENT).expect(201)
    assert missing_session(here, session.location)
    assert codes(session.append(b"x").expect(404)) == ["BLOB_UPLOAD_UNKNOWN"]


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "session", ["00000000-0000-4000-8000-000000000000", "x", "a=b"]
)
def test_a_session_that_never_was_is_unknown(
    here: Here, method: str, session: str
) -> None:
    """end-5, end-6, end-13, end-14, code-3."""
    path = f"/v2/{NAME}/blobs/uploads/{session}?digest={Digest.of(b'x')}"
    body = b"x" if method in {"PATCH", "PUT"} else b""
    answer = here.request(method, path, body=body).expect(404)
    assert codes(answer) == ["BLOB_UPLOAD_UNKNOWN"]


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_a_session_belongs_to_its_repository(here: Here, method: str) -> None:
    """end-5, end-6, end-13, end-14, code-3."""
    session = started(here)
    session.append(CONTENT).expect(202)
    path = session.location.replace(NAME, "another/app")
    target = with_query(path, f"digest={Digest.of(CONTENT)}")
    assert codes(here.request(method, target).expect(404)) == ["BLOB_UPLOAD_UNKNOWN"]
    session.commit(CONTENT)


@pytest.mark.parametrize("query", ["", "digest=", "digest=x", "digest=sha256:0"])
def test_a_put_without_a_digest_is_refused_and_the_session_kept(
    here: Here, query: str
) -> None:
    """end-6, code-4."""
    session = started(here)
    session.append(CONTENT).expect(202)
    answer = here.request("PUT", with_query(session.location, query)).expect(400)
    assert codes(answer) == ["DIGEST_INVALID"]
    session.commit(CONTENT)


def test_the_digest_may_be_percent_encoded(here: Here) -> None:
    """end-6: as Go and Python write it."""
    digest = str(Digest.of(CONTENT)).replace(":", "%3A")
    target = with_query(started(here).location, f"digest={digest}")
    here.request("PUT", target, body=CONTENT).expect(201)


@pytest.mark.parametrize("size", [3067, 200_000], ids=["small", "large"])
def test_a_last_request_is_alone_with_its_session(here: Here, size: int) -> None:
    """end-6: a client that tries again at once does not spoil the first try."""
    content = random.Random(6).randbytes(size)
    path = f"{started(here).path}?digest={Digest.of(content)}"
    raw = request_bytes("PUT", path, body=content)
    first, second = here.harness.connect(), here.harness.connect()
    first.send(raw[:-10])
    second.send(raw)
    first.send(raw[-10:])
    [made], [late] = first.answers(), second.answers()
    assert (made.status, late.status) == (201, 404)
    assert b"BLOB_UPLOAD_UNKNOWN" in late.body
    assert here.blob(NAME, Digest.of(content)).body == content


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [("5-7", 416, "RANGE_INVALID"), ("0-2", 400, "SIZE_INVALID")],
)
def test_where_a_last_chunk_belongs_is_checked_also_when_it_is_empty(
    here: Here, said: str, status: int, code: str
) -> None:
    """end-6: the session is kept."""
    session = started(here)
    target = with_query(session.path, f"digest={Digest.of(CONTENT)}")
    lines = {"Content-Range": said}
    answer = here.request("PUT", target, headers=lines).expect(status)
    assert codes(answer) == [code]
    if status == 416:
        assert answer.header("Range") == "0-0"
        assert urlsplit(answer.header("Location")).path == session.path
    session.append(CONTENT).expect(202)
    session.commit(CONTENT)


def test_a_session_is_one_clients_own(here: Here) -> None:
    """end-4a: two uploads of the same blob do not meet."""
    sessions: list[Session] = [started(here), started(here)]
    for chunk in CHUNKS:
        for session in sessions:
            session.append(chunk).expect(202)
    for session in sessions:
        session.commit(CONTENT)
