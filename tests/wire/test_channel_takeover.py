"""An upload whose client was lost without a word goes on with the one who comes again.

Time is the harness's.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from exchanges import NAME, begin, offset, patch

from registry.core.digest import Digest
from registry.testing.harness import Client, Harness, calm_harness, request_bytes
from registry.web.limits import Limits

LIMITS = Limits(body_timeout=60, takeover_timeout=5, body_rate=100)


@pytest.fixture
def harness() -> Iterator[Harness]:
    with calm_harness(limits=LIMITS) as harness:
        yield harness


def lost(harness: Harness, session: str) -> Client:
    """A client that has sent three bytes of many and says nothing any more."""
    client = harness.connect()
    client.send(patch(session, b"abc", Content_Length="1000"))
    return client


def back(harness: Harness, raw: bytes) -> Client:
    """The same client, who comes again on another connection."""
    client = harness.connect()
    client.send(raw)
    return client


def statuses(client: Client) -> list[int]:
    return [one.status for one in client.answers()]


def test_a_patch_takes_the_upload_over(harness: Harness) -> None:
    session = begin(harness)
    gone = lost(harness, session)
    harness.advance(30)
    client = back(harness, patch(session, b"def"))
    assert client.received == b""
    harness.advance(1)
    assert statuses(client) == [202]
    [answer] = gone.answers()
    assert (answer.status, answer.code) == (408, "BLOB_UPLOAD_INVALID")
    assert "another request" in answer.json["errors"][0]["message"]
    assert offset(harness, session) == 6


def test_one_that_has_just_sent_something_is_given_a_moment(harness: Harness) -> None:
    session = begin(harness)
    slow = lost(harness, session)
    client = back(harness, patch(session, b"def"))
    harness.advance(4)
    assert client.received == b""
    slow.send(b"x" * 997)
    assert statuses(slow) == [202]
    assert statuses(client) == [202]
    assert offset(harness, session) == 1003


def test_one_that_drips_does_not_keep_the_upload(harness: Harness) -> None:
    session = begin(harness)
    slow = lost(harness, session)
    client = back(harness, patch(session, b"def"))
    for _ in range(12):
        slow.send(b"x")
        harness.advance(1)
    assert statuses(client) == [202]
    assert statuses(slow) == [408]


def test_a_put_takes_the_upload_over_and_commits_all_of_it(harness: Harness) -> None:
    session = begin(harness)
    lost(harness, session)
    harness.advance(10)
    digest = Digest.of(b"abcdef")
    client = back(
        harness, request_bytes("PUT", f"{session}?digest={digest}", body=b"def")
    )
    harness.advance(1)
    assert statuses(client) == [201]
    assert harness.request("GET", f"/v2/{NAME}/blobs/{digest}").body == b"abcdef"


def test_a_put_without_a_body_takes_the_upload_over(harness: Harness) -> None:
    session = begin(harness)
    lost(harness, session)
    harness.advance(10)
    client = back(
        harness, request_bytes("PUT", f"{session}?digest={Digest.of(b'abc')}")
    )
    harness.advance(1)
    assert statuses(client) == [201]


def test_a_delete_takes_the_upload_over(harness: Harness) -> None:
    session = begin(harness)
    gone = lost(harness, session)
    harness.advance(10)
    client = back(harness, request_bytes("DELETE", session))
    harness.advance(1)
    assert statuses(client) == [204]
    assert gone.answers()[0].status == 408
    assert harness.request("GET", session).status == 404


def test_several_that_are_lost_one_after_the_other_are_taken_over(
    harness: Harness,
) -> None:
    session = begin(harness)
    for _ in range(3):
        lost(harness, session)
    client = back(harness, patch(session, b"def"))
    harness.advance(20)
    assert statuses(client) == [202]
    assert offset(harness, session) == 12


def test_a_chunk_from_an_older_offset_is_told_the_new_one(harness: Harness) -> None:
    session = begin(harness)
    lost(harness, session)
    client = back(harness, patch(session, b"def", Content_Range="0-2"))
    harness.advance(7)
    [answer] = client.answers()
    assert answer.status == 416
    assert answer.header("range") == "0-2"
    assert offset(harness, session) == 3


def test_an_upload_that_nobody_else_wants_keeps_its_time(harness: Harness) -> None:
    session = begin(harness)
    slow = lost(harness, session)
    back(harness, patch(session, b"def")).leave()
    back(harness, patch(begin(harness), b"x"))
    harness.advance(3)
    assert slow.received == b""


def test_a_question_for_the_offset_does_not_take_over(harness: Harness) -> None:
    session = begin(harness)
    slow = lost(harness, session)
    assert harness.request("GET", session).status == 204
    harness.advance(30)
    assert slow.received == b""
    slow.send(b"x" * 997)
    assert slow.answers()[0].status == 202


def test_nothing_is_remembered_of_uploads_that_are_over(harness: Harness) -> None:
    session = begin(harness)
    gone = lost(harness, session)
    client = back(harness, patch(session, b"def"))
    gone.leave()
    assert statuses(client) == [202]
    assert harness.site.memory.held == 0
    assert harness.site.in_progress == 0
