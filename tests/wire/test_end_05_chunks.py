"""Pushing a blob in chunks: in order, out of order, again, and broken off.

Spec: distribution end-5, end-6.
"""

from __future__ import annotations

import random
from urllib.parse import parse_qsl, urlsplit

import pytest
from ends import ALGORITHMS, NAME, Here, codes, started

from registry.core.digest import Digest
from registry.storage.memory import MemoryDriver
from registry.testing.client import with_query
from registry.testing.harness import request_bytes

CONTENT = random.Random(5).randbytes(3067)
CHUNKS = [CONTENT[:1024], CONTENT[1024:2048], CONTENT[2048:]]

every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


# Chunks.


def test_every_chunk_says_how_far_the_upload_is(here: Here) -> None:
    """end-5: 202 and Range without a unit, which dockerd would not understand."""
    session, end = started(here), 0
    for chunk in CHUNKS:
        answer = session.append(chunk, start=end).expect(202)
        end += len(chunk)
        assert answer.header("Range") == f"0-{end - 1}"
        assert answer.header("Docker-Upload-UUID") == session.identifier
        assert urlsplit(answer.header("Location")).path == session.path
        assert answer.header("Content-Length") == "0"


@every_algorithm
def test_a_chunk_out_of_order_is_refused_and_the_upload_goes_on(
    here: Here, algorithm: str
) -> None:
    """end-5, end-13: 416 with the way to go on; GET tells it too."""
    session, end = started(here), 0
    for chunk in CHUNKS:
        wrong = session.append(CONTENT[7:9], start=7 if end else 2000).expect(416)
        assert codes(wrong) == ["RANGE_INVALID"]
        assert wrong.header("Range") == f"0-{max(0, end - 1)}"
        told = here.get(session.location).expect(204)
        assert told.header("Range") == f"0-{max(0, end - 1)}"
        session.location = told.header("Location")
        session.append(chunk, start=end).expect(202)
        end += len(chunk)
    session.finish(Digest.of(CONTENT, algorithm)).expect(201)


def test_the_location_of_a_refusal_is_good_to_go_on(here: Here) -> None:
    """end-5: no GET is needed after a 416."""
    session = started(here)
    first = session.location
    session.append(CHUNKS[0], start=0).expect(202)
    session.location = first
    session.append(CHUNKS[0], start=0).expect(416)
    session.append(CHUNKS[1] + CHUNKS[2], start=1024).expect(202)
    session.commit(CONTENT)


def test_a_last_chunk_out_of_order_is_refused_and_the_upload_goes_on(
    here: Here,
) -> None:
    """end-6: 416, not 400: the session is kept."""
    session = started(here)
    session.append(CHUNKS[0], start=0).expect(202)
    target = with_query(session.location, f"digest={Digest.of(CONTENT)}")
    lines = {"Content-Range": f"2048-{len(CONTENT) - 1}"}
    wrong = here.request("PUT", target, body=CHUNKS[2], headers=lines).expect(416)
    assert codes(wrong) == ["RANGE_INVALID"]
    assert wrong.header("Range") == "0-1023"
    session.location = wrong.header("Location")
    session.append(CHUNKS[1] + CHUNKS[2]).expect(202)
    session.commit(CONTENT)


@pytest.mark.parametrize("span", ["0-1024", "0-1022"])
def test_a_range_that_contradicts_the_length_is_refused(here: Here, span: str) -> None:
    """end-5, code-10: nothing of the chunk is taken."""
    session = started(here)
    lines = {"Content-Range": span}
    answer = here.request("PATCH", session.location, body=CHUNKS[0], headers=lines)
    assert codes(answer.expect(400)) == ["SIZE_INVALID"]
    session.append(CONTENT, start=0).expect(202)
    session.commit(CONTENT)


def test_a_stream_that_contradicts_its_range_is_refused(here: Here) -> None:
    """end-5, code-10: with Content-Range and chunked transfer coding."""
    session = started(here)
    lines = {"Content-Range": "0-99"}
    answer = here.request("PATCH", session.location, body=[CONTENT], headers=lines)
    assert codes(answer.expect(400)) == ["SIZE_INVALID"]


@pytest.mark.parametrize("text", ["", "x", "1", "-5", "5-", "1-2-3", "bytes"])
def test_a_range_that_is_none_is_refused(here: Here, text: str) -> None:
    """end-5, code-2: 400 where Distribution fails with 500."""
    lines = {"Content-Range": text}
    location = started(here).location
    answer = here.request("PATCH", location, body=b"x", headers=lines)
    assert codes(answer.expect(400)) == ["BLOB_UPLOAD_INVALID"]


def test_a_range_that_ends_before_it_starts_is_refused(here: Here) -> None:
    """end-5: 416."""
    lines = {"Content-Range": "0--1"}
    location = started(here).location
    here.request("PATCH", location, body=b"x", headers=lines).expect(400)
    session = started(here)
    session.append(b"12345").expect(202)
    lines = {"Content-Range": "5-4"}
    here.request("PATCH", session.location, body=b"x", headers=lines).expect(416)


@pytest.mark.parametrize("form", ["bytes 0-{}", "bytes 0-{}/*", "bytes=0-{}", "0-{}"])
def test_a_range_with_a_unit_is_understood(here: Here, form: str) -> None:
    """end-5, for clients that write it as RFC 9110 14.4 does."""
    lines = {"Content-Range": form.format(len(CONTENT) - 1)}
    session = started(here)
    answer = here.request("PATCH", session.location, body=CONTENT, headers=lines)
    session.location = answer.expect(202).header("Location")
    session.commit(CONTENT)


@pytest.mark.parametrize("kind", ["", "application/octet-stream", "text/plain"])
def test_the_content_type_of_a_chunk_does_not_matter(here: Here, kind: str) -> None:
    """end-5."""
    lines = {"Content-Type": kind}
    location = started(here).location
    here.request("PATCH", location, body=CONTENT, headers=lines).expect(202)


def test_an_empty_chunk_changes_nothing(here: Here) -> None:
    """end-5: cut off before its first byte, and sent again."""
    session = started(here)
    session.append(CONTENT).expect(202)
    answer = session.append(b"").expect(202)
    assert answer.header("Range") == f"0-{len(CONTENT) - 1}"
    session.commit(CONTENT)


# Bodies that do not come.


def head_of(method: str, target: str, *lines: str) -> bytes:
    """The head of a request whose body is sent apart."""
    url = urlsplit(target)
    path = f"{url.path}?{url.query}" if url.query else url.path
    fields = ["Host: registry.test", f"Content-Length: {len(CONTENT)}", *lines]
    head = "".join(f"{line}\r\n" for line in fields)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode()


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_what_came_before_a_client_left_is_kept(here: Here, method: str) -> None:
    """end-5, end-6: it asks how far it came, and goes on there."""
    session = started(here)
    target = with_query(session.location, f"digest={Digest.of(CONTENT)}")
    client = here.harness.connect()
    client.send(head_of(method, target), CONTENT[:1000])
    client.leave()
    assert session.offset() == 1000
    session.append(CONTENT[1000:], start=1000).expect(202)
    session.commit(CONTENT)


def test_nothing_is_left_of_a_single_post_that_broke_off(here: Here) -> None:
    """end-4b: its client knows no session to go on with."""
    content = bytes(2_000_000)
    target = f"/v2/{NAME}/blobs/uploads/?digest={Digest.of(content)}"
    client = here.harness.connect()
    client.send(request_bytes("POST", target, body=content)[:-1000])
    assert here.files()
    client.leave()
    assert here.files() == []


CAREFUL = "Expect: 100-continue"


def test_a_careful_client_is_told_to_send_its_chunk(here: Here) -> None:
    """end-5. RFC 9110 10.1.1."""
    client = here.harness.connect()
    client.send(head_of("PATCH", started(here).location, CAREFUL))
    assert [answer.status for answer in client.answers()] == [100]
    client.send(CONTENT)
    assert [answer.status for answer in client.answers()] == [100, 202]


def test_a_chunk_that_is_refused_need_not_be_sent(here: Here) -> None:
    """end-5: out of order by its range, by its state, or without a session."""
    session = started(here)
    first = session.location
    session.append(b"12345").expect(202)
    wrong = f"Content-Range: 0-{len(CONTENT) - 1}"
    refused = [
        (head_of("PATCH", session.location, CAREFUL, wrong), 416),
        (head_of("PATCH", first, CAREFUL), 416),
        (head_of("PATCH", f"{session.path[:-1]}0", CAREFUL), 404),
        (head_of("PUT", session.location, CAREFUL), 400),
    ]
    for head, status in refused:
        client = here.harness.connect()
        client.send(head)
        assert [answer.status for answer in client.answers()] == [status]


class Counting(MemoryDriver):
    """The driver, which also remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def __getattribute__(self, name: str) -> object:
        if not name.startswith("_") and name != "asked":
            self.asked.append(name)
        return super().__getattribute__(name)


def test_a_chunk_costs_no_look_at_its_session(here: Here) -> None:
    """end-5: the open file tells the offset, for the check and for the answer."""
    here.driver = driver = Counting()
    here.configure("storage: inmemory")
    session = started(here)
    driver.asked.clear()
    session.append(CHUNKS[0], start=0).expect(202)
    session.append(CHUNKS[1], start=0).expect(416)
    session.append(CHUNKS[1], start=1024).expect(202)
    assert driver.asked == ["append_to", "apply", "append_to", "append_to"]


# The state in the location.


def test_a_chunk_that_is_sent_again_is_refused(here: Here) -> None:
    """end-5: the answer to the first was lost; taken twice it would spoil the blob."""
    session = started(here)
    first = session.location
    session.append(CHUNKS[0]).expect(202)
    session.location = first
    again = session.append(CHUNKS[0]).expect(416)
    assert codes(again) == ["RANGE_INVALID"]
    assert again.header("Range") == "0-1023"
    session.append(CHUNKS[1] + CHUNKS[2]).expect(202)
    session.commit(CONTENT)


def test_a_last_chunk_that_is_sent_again_is_refused(here: Here) -> None:
    """end-6: its first try broke off after some bytes, so the session is kept."""
    session = started(here)
    first = session.location
    session.append(CHUNKS[0]).expect(202)
    session.location = first
    digest = Digest.of(CONTENT)
    again = session.finish(digest, CONTENT).expect(416)
    session.location = again.header("Location")
    session.finish(digest, CHUNKS[1] + CHUNKS[2]).expect(201)


def test_who_says_where_a_chunk_belongs_may_use_any_location(here: Here) -> None:
    """end-5: Content-Range is as good as the state of the latest location."""
    session = started(here)
    first, end = session.location, 0
    for chunk in CHUNKS:
        session.location = first
        session.append(chunk, start=end).expect(202)
        end += len(chunk)
    session.commit(CONTENT)


def test_the_location_works_without_what_was_added_to_it(here: Here) -> None:
    """end-5, end-6: some clients drop the query, some move it around."""
    session = started(here)
    here.request("PATCH", session.path, body=CONTENT).expect(202)
    here.get(session.path).expect(204)
    state = dict(parse_qsl(urlsplit(here.get(session.path).header("Location")).query))
    query = f"digest={Digest.of(CONTENT)}&x=1&_state={state['_state']}"
    here.request("PUT", f"{session.path}?{query}").expect(201)


@pytest.mark.parametrize("state", ["", "x", "AAAA", "%00", "_state", "=" * 50])
def test_a_state_that_we_did_not_make_is_ignored(here: Here, state: str) -> None:
    """end-5: the file tells the offset; the state only protects a client."""
    path = started(here).path
    here.request("PATCH", f"{path}?_state={state}", body=CONTENT).expect(202)
