"""Which connections stay, which close, and what is said about it. RFC 9112 9."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from exchanges import NAME, begin, chunked, get, offset, patch, push

from registry.core.mediatype import OCI_INDEX
from registry.testing.harness import HOST, Harness, calm_harness, request_bytes
from registry.web.limits import Limits

LIMITS = Limits(discarded=1000, buffered=2000, linger_timeout=5)


@pytest.fixture
def harness() -> Iterator[Harness]:
    with calm_harness(limits=LIMITS) as harness:
        yield harness


def old(path: str = "/v2/", connection: str = "") -> bytes:
    line = f"Connection: {connection}\r\n" if connection else ""
    return f"GET {path} HTTP/1.0\r\n{line}\r\n".encode()


def test_http_1_1_stays_and_does_not_say_so(harness: Harness) -> None:
    client = harness.connect()
    client.send(get(), get())
    assert [one.header("connection") for one in client.answers()] == [None, None]
    assert client.is_open


@pytest.mark.parametrize("said", ["close", "Close", "x, close", "close \t"])
def test_http_1_1_closes_when_asked(harness: Harness, said: str) -> None:
    client = harness.connect()
    client.send(get(Connection=said), get())
    [answer] = client.answers()
    assert answer.closes
    assert client.transport.is_closed


def test_http_1_0_closes(harness: Harness) -> None:
    client = harness.connect()
    client.send(old())
    [answer] = client.answers()
    assert answer.status == 200
    assert answer.closes
    assert client.transport.is_closed


def test_http_1_0_stays_when_asked_and_says_so(harness: Harness) -> None:
    client = harness.connect()
    client.send(old(connection="Keep-Alive"), old(connection="keep-alive"))
    said = [one.header("connection") for one in client.answers()]
    assert said == ["keep-alive", "keep-alive"]
    assert client.is_open


def test_what_comes_after_the_last_request_is_not_served(harness: Harness) -> None:
    client = harness.connect()
    client.send(get(Connection="close") + get("/v2/other"))
    assert len(client.answers()) == 1
    assert len(harness.answered) == 1


def test_surplus_bytes_do_not_reset_the_answer(harness: Harness) -> None:
    """A close with unread bytes is a reset; so only our side closes at first."""
    client = harness.connect()
    client.send(get(Connection="close") + b"surplus")
    assert client.answers()[0].closes
    assert client.transport.is_half_closed
    assert not client.transport.is_closed
    client.end()
    assert client.transport.is_closed


def test_the_registry_answers_a_client_that_closed_its_sending_side(
    harness: Harness,
) -> None:
    path = push(harness, b"content")
    client = harness.connect()
    client.stall()
    client.send(get() + get(path))
    client.end()
    client.take()
    assert [one.body for one in client.answers()] == [b"{}", b"content"]
    assert client.transport.is_closed


def test_a_client_that_ends_within_a_head_is_let_go(harness: Harness) -> None:
    client = harness.connect()
    client.send(b"GET /v2/ HT")
    client.end()
    assert client.received == b""
    assert client.transport.is_closed


def test_a_client_that_ends_within_a_body_is_told(harness: Harness) -> None:
    session = begin(harness)
    client = harness.connect()
    client.send(patch(session, b"abc", Content_Length="10"))
    client.end()
    [answer] = client.answers()
    assert answer.status == 400
    assert answer.closes
    assert client.transport.is_closed
    assert offset(harness, session) == 3


# 100 Continue.


def test_leave_is_given_when_the_endpoint_reads(harness: Harness) -> None:
    client = harness.connect()
    head = patch(begin(harness), b"", Expect="100-continue", Content_Length="3")
    client.send(head)
    assert client.received == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"abc")
    assert [one.status for one in client.answers()] == [100, 202]
    assert client.is_open


def test_no_leave_is_given_to_what_is_refused(harness: Harness) -> None:
    client = harness.connect()
    head = request_bytes(
        "PUT",
        f"/v2/{NAME}/blobs/uploads/nosuch?digest=sha256:{'0' * 64}",
        headers={"Expect": "100-continue", "Content-Length": "3"},
    )
    client.send(head)
    [answer] = client.answers()
    assert answer.status == 404
    assert answer.closes
    assert client.transport.is_half_closed


def test_no_leave_is_given_to_a_body_that_is_there(harness: Harness) -> None:
    raw = patch(begin(harness), b"abc", Expect="100-continue")
    assert [one.status for one in harness.exchange(raw)] == [202]


def test_http_1_0_is_never_given_leave(harness: Harness) -> None:
    session = begin(harness)
    client = harness.connect()
    head = f"PATCH {session} HTTP/1.0\r\nExpect: 100-continue\r\n"
    client.send(f"{head}Content-Length: 3\r\n\r\n".encode())
    assert client.received == b""
    client.send(b"abc")
    assert [one.status for one in client.answers()] == [202]


def test_leave_is_given_for_the_right_one_of_two(harness: Harness) -> None:
    session = begin(harness)
    client = harness.connect()
    client.send(
        patch(session, b"abc")
        + patch(session, b"", Expect="100-continue", Content_Length="3")
    )
    assert [one.status for one in client.answers()] == [202, 100]
    client.send(b"def")
    assert client.answers()[-1].header("range") == "0-5"


# Bodies that nobody reads.


def unwanted(body: bytes, length: int | None = None) -> bytes:
    lengths = {"Content-Length": str(len(body) if length is None else length)}
    return request_bytes("DELETE", "/v2/", headers=lengths, body=body)


def test_a_short_unwanted_body_is_dropped_and_the_connection_stays(
    harness: Harness,
) -> None:
    client = harness.connect()
    client.send(unwanted(b"x" * 400, 1000))
    assert [one.closes for one in client.answers()] == [False]
    client.send(b"x" * 599, b"x" + get())
    assert [one.status for one in client.answers()] == [405, 200]
    assert client.is_open


def test_a_short_unwanted_body_before_a_close_is_read_before_it(
    harness: Harness,
) -> None:
    client = harness.connect()
    raw = request_bytes(
        "DELETE", "/v2/", headers={"Content-Length": "9", "Connection": "close"}
    )
    client.send(raw)
    assert client.answers()[0].closes
    assert client.transport.is_half_closed
    client.send(b"x" * 9)
    client.end()
    assert client.transport.is_closed


def test_a_long_unwanted_body_ends_the_connection_gently(harness: Harness) -> None:
    client = harness.connect()
    client.send(unwanted(b"x", 1001))
    [answer] = client.answers()
    assert answer.status == 405
    assert answer.closes
    assert client.transport.is_half_closed
    client.send(b"x" * 1000)
    assert not client.transport.is_aborted
    harness.advance(7)
    assert client.transport.is_closed
    assert client.transport.is_aborted


def test_an_endless_unwanted_body_ends_the_connection_gently(harness: Harness) -> None:
    client = harness.connect()
    head = request_bytes("DELETE", "/v2/", headers={"Transfer-Encoding": "chunked"})
    client.send(head + b"400\r\n")
    assert client.answers()[0].status == 405
    client.send(b"x" * 1000)
    assert client.is_open
    client.send(b"x")
    assert client.transport.is_half_closed
    harness.advance(7)
    assert client.transport.is_aborted


def test_a_malformed_unwanted_body_ends_the_connection(harness: Harness) -> None:
    client = harness.connect()
    head = request_bytes("DELETE", "/v2/", headers={"Transfer-Encoding": "chunked"})
    client.send(head)
    client.send(b"nonsense")
    assert len(client.answers()) == 1
    assert client.transport.is_half_closed


def test_a_paused_client_is_read_again_when_its_body_is_dropped(
    harness: Harness,
) -> None:
    """A manifest that is too large is refused while its body still arrives."""
    client = harness.connect()
    head = request_bytes(
        "PUT", f"/v2/{NAME}/manifests/t", headers={"Content-Length": "99999999"}
    )
    client.send(head + b"x" * 3000, b"x" * 3000)
    [answer] = client.answers()
    assert answer.status == 413
    assert answer.closes
    assert not client.transport.is_paused


INDEX = b'{"schemaVersion": 2, "mediaType": "%s", "manifests": []}' % OCI_INDEX.encode()


def push_index(harness: Harness) -> str:
    path = f"/v2/{NAME}/manifests/latest"
    kind = {"Content-Type": OCI_INDEX}
    answer = harness.request("PUT", path, headers=kind, body=INDEX)
    assert answer.status == 201, answer
    return path


# HEAD, and statuses without a body.


def test_head_is_get_without_the_body(harness: Harness) -> None:
    path = push(harness, b"content")
    whole = harness.request("GET", path)
    [head] = harness.exchange(get(path, method="HEAD"))
    assert head.headers == whole.headers
    assert head.body == b""


def test_head_of_an_error_has_no_body(harness: Harness) -> None:
    client = harness.connect()
    client.send(get("/v2/a/manifests/none", method="HEAD"), get())
    assert [one.status for one in client.answers()] == [404, 200]


def test_head_that_cannot_be_served_has_no_body(harness: Harness) -> None:
    [answer] = harness.exchange(b"HEAD /v2/ HTTP/1.1\r\n\r\n")
    assert answer.status == 400


def test_statuses_without_a_body_have_no_length(harness: Harness) -> None:
    path = push(harness, b"content")
    etag = harness.request("GET", path).header("etag")
    unchanged = harness.request("GET", path, headers={"If-None-Match": etag or ""})
    progress = harness.request("GET", begin(harness))
    for answer, status in ((unchanged, 304), (progress, 204)):
        assert answer.status == status
        assert answer.header("content-length") is None


def test_a_304_does_not_spoil_what_follows(harness: Harness) -> None:
    path = push(harness, b"content")
    etag = harness.request("GET", path).header("etag") or ""
    answers = harness.exchange(get(path, If_None_Match=etag) + get(path))
    assert [one.status for one in answers] == [304, 200]


# Upgrades.


def test_an_upgrade_is_ignored(harness: Harness) -> None:
    asks = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c"}
    client = harness.connect()
    client.send(get(HTTP2_Settings="AAMAAABk", **asks), get())
    assert [one.status for one in client.answers()] == [200, 200]
    assert client.is_open


def test_many_upgrades_in_one_segment_are_ignored(harness: Harness) -> None:
    raw = get(Connection="upgrade", Upgrade="h2c") * 500
    assert [one.status for one in harness.exchange(raw)] == [200] * 500


def test_an_upgrade_with_a_chunked_body_is_ignored(harness: Harness) -> None:
    session = begin(harness)
    raw = request_bytes(
        "PATCH",
        session,
        headers={
            "Connection": "upgrade",
            "Upgrade": "h2c",
            "Transfer-Encoding": "chunked",
        },
        body=chunked(b"abc", b"def", trailers=b"A: b\r\n"),
    )
    first, second = harness.exchange(raw + get())
    assert (first.header("range"), second.status) == ("0-5", 200)


def test_many_requests_in_one_segment_are_answered(harness: Harness) -> None:
    client = harness.connect()
    client.send(get() * 1000)
    assert len(client.answers()) == 1000
    assert not client.transport.is_paused


def test_draining_closes_idle_connections_and_ends_busy_ones(harness: Harness) -> None:
    idle, busy = harness.connect(), harness.connect()
    session = begin(harness)
    busy.send(patch(session, b"abc", Content_Length="6"))
    harness.site.drain()
    assert idle.transport.is_closed
    busy.send(b"def")
    [answer] = busy.answers()
    assert (answer.status, answer.closes) == (202, True)
    assert busy.transport.is_closed


def test_what_is_in_memory_is_answered_before_the_segment_is_done_with(
    harness: Harness,
) -> None:
    """Without a turn of the reactor, which is what makes pulls of manifests fast."""
    path = push_index(harness)
    client = harness.connect()
    client.transport.deliver(get(path) + get(path, method="HEAD"))
    first, second = client.answers()
    assert (first.status, second.status) == (200, 200)
    assert first.body == INDEX


def test_every_answer_is_dated_and_names_the_api(harness: Harness) -> None:
    harness.advance(2)
    answer = harness.request("GET", "/v2/")
    assert answer.header("date") == "Sun, 09 Sep 2001 01:46:42 GMT"
    assert answer.header("docker-distribution-api-version") == "registry/2.0"
    assert HOST == "registry.test"
