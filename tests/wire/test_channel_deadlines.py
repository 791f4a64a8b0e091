"""Every wait has a deadline. Time is the harness's."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from exchanges import begin, get, offset, patch, push

from registry.testing.harness import Harness, calm_harness, request_bytes
from registry.web.limits import Limits

LIMITS = Limits(
    head_timeout=10,
    idle_timeout=50,
    body_timeout=20,
    body_rate=0,
    takeover_timeout=25,
    send_timeout=30,
    linger_timeout=5,
)


@pytest.fixture
def harness() -> Iterator[Harness]:
    with calm_harness(limits=LIMITS) as harness:
        yield harness


def test_a_head_that_dribbles_in_is_refused_when_its_time_is_over(
    harness: Harness,
) -> None:
    client = harness.connect()
    for byte in b"GET /v2/":
        client.send(bytes([byte]))
        harness.advance(1)
    assert client.received == b""
    harness.advance(4)
    [answer] = client.answers()
    assert answer.status == 408
    assert answer.closes
    assert client.transport.is_half_closed
    client.end()
    assert client.transport.is_closed


def test_a_connection_that_says_nothing_is_closed_without_a_word(
    harness: Harness,
) -> None:
    client = harness.connect()
    harness.advance(49)
    assert client.is_open
    harness.advance(3)
    assert client.transport.is_closed
    assert not client.transport.is_aborted
    assert client.received == b""


def test_a_connection_may_rest_between_requests(harness: Harness) -> None:
    client = harness.connect()
    for _ in range(3):
        client.send(get())
        harness.advance(45)
    assert len(client.answers()) == 3
    harness.advance(7)
    assert client.transport.is_closed


def test_a_body_that_stops_is_refused_and_its_offset_stays_true(
    harness: Harness,
) -> None:
    session = begin(harness)
    client = harness.connect()
    client.send(patch(session, b"abc", Content_Length="10"))
    harness.advance(15)
    client.send(b"def")
    harness.advance(19)
    assert client.received == b""
    harness.advance(3)
    [answer] = client.answers()
    assert (answer.status, answer.closes) == (408, True)
    assert client.transport.is_half_closed
    assert offset(harness, session) == 6


def test_a_manifest_that_stops_is_refused(harness: Harness) -> None:
    client = harness.connect()
    client.send(
        request_bytes("PUT", "/v2/a/manifests/t", headers={"Content-Length": "10"})
    )
    harness.advance(22)
    assert client.answers()[0].status == 408


def test_a_manifest_that_ends_early_is_told_by_its_size(harness: Harness) -> None:
    client = harness.connect()
    client.send(
        request_bytes("PUT", "/v2/a/manifests/t", headers={"Content-Length": "10"})
    )
    client.send(b"abc")
    client.end()
    [answer] = client.answers()
    assert answer.status == 400
    assert b'"SIZE_INVALID"' in answer.body


def test_a_form_for_a_page_that_stops_is_refused(harness: Harness) -> None:
    client = harness.connect()
    client.send(request_bytes("POST", "/", headers={"Content-Length": "10"}))
    harness.advance(22)
    assert client.answers()[0].status == 408


RATE = 100


@pytest.fixture
def demanding() -> Iterator[Harness]:
    """A registry that wants 100 bytes of a body in a second."""
    with calm_harness(limits=attrs.evolve(LIMITS, body_rate=RATE)) as harness:
        yield harness


def test_a_body_that_drips_is_refused_and_its_offset_stays_true(
    demanding: Harness,
) -> None:
    session = begin(demanding)
    client = demanding.connect()
    client.send(patch(session, b"", Content_Length="1000000"))
    sent = 0
    while not client.received and sent < 100:
        client.send(b"x")
        sent += 1
        demanding.advance(1)
    [answer] = client.answers()
    assert (answer.status, answer.closes) == (408, True)
    assert 19 <= sent <= 23
    assert offset(demanding, session) == sent


def test_a_body_that_comes_slowly_enough_is_taken(demanding: Harness) -> None:
    session = begin(demanding)
    client = demanding.connect()
    client.send(patch(session, b"", Content_Length=str(200 * RATE)))
    for _ in range(20):
        demanding.advance(9)
        client.send(b"x" * 10 * RATE)
    assert [one.status for one in client.answers()] == [202]


def test_a_body_that_becomes_slow_is_refused(demanding: Harness) -> None:
    client = demanding.connect()
    client.send(patch(begin(demanding), b"", Content_Length="2000000"))
    client.send(b"x" * 1_000_000)
    sent = 0
    while not client.received and sent < 100:
        client.send(b"x")
        sent += 1
        demanding.advance(1)
    assert client.answers()[0].status == 408
    assert 39 <= sent <= 44


def test_a_body_whose_turn_comes_late_is_not_late(harness: Harness) -> None:
    """A client that waits for 100 Continue has nothing to send before."""
    path = push(harness, b"x" * 300_000)
    session = begin(harness)
    client = harness.connect()
    client.stall()
    client.send(get(path))
    client.send(patch(session, b"", Content_Length="3", Expect="100-continue"))
    for _ in range(30):
        harness.advance(1)
        client.take(1000)
    client.take()
    harness.advance(15)
    client.send(b"abc")
    assert [one.status for one in client.answers()] == [200, 100, 202]


def test_an_unwanted_body_that_stops_costs_its_client_the_connection(
    harness: Harness,
) -> None:
    client = harness.connect()
    client.send(request_bytes("DELETE", "/v2/", headers={"Content-Length": "10"}))
    assert client.answers()[0].status == 405
    harness.advance(22)
    assert client.transport.is_aborted


def test_a_client_that_takes_nothing_is_cut_off(harness: Harness) -> None:
    path = push(harness, b"x" * 1_000_000)
    client = harness.connect()
    client.stall()
    client.send(get(path))
    harness.advance(25)
    client.take(700_000)
    harness.advance(25)
    assert not client.transport.is_aborted
    harness.advance(10)
    assert client.transport.is_aborted
    assert client.transport.is_closed


def test_a_client_that_takes_its_answer_by_drips_is_cut_off() -> None:
    limits = attrs.evolve(LIMITS, send_rate=10_000)
    with calm_harness(limits=limits) as harness:
        path = push(harness, b"x" * 4_000_000)
        drips, flows = harness.connect(), harness.connect()
        for client in drips, flows:
            client.stall()
            client.send(get(path))
        seconds = 0
        while not drips.transport.is_closed:
            assert (seconds := seconds + 1) < 100
            drips.take(9_000)
            flows.take(20_000)
            harness.advance(1)
        assert 30 < seconds < 64
        flows.take()
        assert len(flows.answers()[0].body) == 4_000_000


def test_a_refused_client_is_read_for_a_moment_only(harness: Harness) -> None:
    client = harness.connect()
    client.send(b"NONSENSE\r\n\r\n")
    harness.advance(4)
    client.send(b"more")
    assert not client.transport.is_aborted
    harness.advance(2)
    assert client.transport.is_aborted


def test_a_request_being_served_has_no_deadline_of_its_own(harness: Harness) -> None:
    """An endpoint may work long; the client is not made to pay for that."""
    session = begin(harness)
    first, second = harness.connect(), harness.connect()
    first.send(patch(session, b"abc", Content_Length="4"))
    second.send(patch(session, b"def"))
    harness.advance(19)
    first.send(b"-")
    assert [one.status for one in second.answers()] == [202]
    assert offset(harness, session) == 7


def test_a_client_that_does_not_let_go_is_cut_off(harness: Harness) -> None:
    """As over TLS, where closing waits for the other side."""
    client = harness.connect()
    client.send(get())
    client.stall()
    client.send(get(Connection="close"))
    harness.advance(3)
    assert not client.transport.is_closed
    harness.advance(4)
    assert client.transport.is_closed


def test_a_head_that_waited_unread_is_not_late(harness: Harness) -> None:
    path = push(harness, b"x" * 200_000)
    client = harness.connect()
    client.stall()
    client.send(get(path) + get() * 70 + b"GET /v2/ HTTP/1.1\r\n")
    assert client.transport.is_paused
    for _ in range(20):
        harness.advance(1)
        client.take(1000)
    client.take()
    harness.advance(5)
    client.send(b"Host: a\r\n\r\n")
    assert {one.status for one in client.answers()} == {200}
    assert len(client.answers()) == 72


def test_no_deadline_outlives_its_connection(harness: Harness) -> None:
    client = harness.connect()
    client.send(b"GET ")
    client.leave()
    harness.advance(200)
    assert harness.site.connections == 0
