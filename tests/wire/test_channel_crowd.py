"""Too many connections or requests, of one address and of all: who is told what."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import attrs
import pytest
from exchanges import NAME, begin, get, patch, push

from registry.testing.harness import Client, Harness, calm_harness, request_bytes
from registry.web.limits import Limits
from registry.web.site import TURNED_AWAY

LIMITS = Limits(
    connections=20,
    address_connections=5,
    requests=8,
    address_requests=3,
    hurried_timeout=50,
    exempt=(ipaddress.ip_network("203.0.113.0/24"),),
)
PROXIES = [ipaddress.ip_network("198.51.100.0/24")]
PROXY = "198.51.100.1"


@contextmanager
def crowded(
    limits: Limits = LIMITS, trusted: Sequence[ipaddress.IPv4Network] = ()
) -> Iterator[Harness]:
    with calm_harness(limits=limits, trusted=trusted) as harness:
        yield harness
        for client in list(harness.site._channels):
            client.abort()
        harness.advance(0)
        assert harness.site.connections == 0
        assert len(harness.site.crowd) == 0
        assert harness.site.crowd.connections == 0
        assert harness.site.turned_away == 0
        assert (harness.site.memory.held, harness.site.memory.whole) == (0, 0)


@pytest.fixture
def harness() -> Iterator[Harness]:
    with crowded() as harness:
        yield harness


def host(number: int) -> str:
    return f"192.0.2.{number}"


def fill(harness: Harness) -> list[Client]:
    """As many connections as there may be."""
    return [harness.connect(host=host(n)) for n in range(20)]


def refused(client: Client, status: int, code: str) -> str:
    """What the only answer on ``client`` says, which ends the connection."""
    [answer] = client.answers()
    assert (answer.status, answer.code) == (status, code)
    assert answer.header("retry-after") == "5"
    assert answer.closes
    assert not client.is_open
    return str(answer.json["errors"][0]["message"])


def test_a_connection_too_many_is_answered_503_and_closed(harness: Harness) -> None:
    others = fill(harness)
    client = harness.connect(host=host(99))
    assert client.received == b""
    client.send(get())
    assert "too many connections" in refused(client, 503, "UNAVAILABLE")
    others[0].send(get())
    assert others[0].answers()[0].status == 200


def test_there_is_room_again_when_somebody_leaves(harness: Harness) -> None:
    others = fill(harness)
    others[3].leave()
    assert harness.request("GET", "/v2/", host=host(99)).status == 200
    assert harness.request("GET", "/v2/", host=host(99)).status == 200


def test_a_connection_too_many_of_one_address_is_answered_429(
    harness: Harness,
) -> None:
    for _ in range(5):
        harness.connect()
    client = harness.connect()
    client.send(get())
    assert host(1) in refused(client, 429, "TOOMANYREQUESTS")
    assert harness.request("GET", "/v2/", host=host(2)).status == 200


def test_a_refused_push_is_told_so_while_it_sends(harness: Harness) -> None:
    fill(harness)
    client = harness.connect(host=host(99))
    client.send(patch("/v2/a/blobs/uploads/x", b"x" * 1000, Content_Length="9999999"))
    client.send(b"x" * 100_000)
    refused(client, 503, "UNAVAILABLE")
    assert client.transport.is_half_closed


def test_a_refused_client_that_says_nothing_is_dropped(harness: Harness) -> None:
    fill(harness)
    client = harness.connect(host=host(99))
    client.send(b"GET /v2/ HT")
    harness.advance(6)
    assert client.transport.is_closed
    assert client.received == b""


def test_few_are_told_that_they_are_too_many_and_more_are_dropped(
    harness: Harness,
) -> None:
    fill(harness)
    some = [harness.connect(host=host(99)) for _ in range(TURNED_AWAY + 50)]
    assert [client.transport.is_closed for client in some] == [False] * TURNED_AWAY + [
        True
    ] * 50
    harness.advance(6)
    assert all(client.transport.is_closed for client in some)
    client = harness.connect(host=host(99))
    client.send(get())
    refused(client, 503, "UNAVAILABLE")


def test_exempt_addresses_and_sockets_are_bounded_only_with_all_others(
    harness: Harness,
) -> None:
    for _ in range(20):
        assert harness.connect(host="203.0.113.7").is_open
    client = harness.connect(host="203.0.113.7")
    client.send(get())
    refused(client, 503, "UNAVAILABLE")


def test_loopback_is_exempt_by_itself() -> None:
    limits = Limits(address_connections=1, address_requests=1)
    with crowded(limits) as harness:
        for address in "127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1":
            for _ in range(3):
                client = harness.connect(host=address)
                client.send(get())
                assert client.answers()[0].status == 200


def test_an_ipv6_client_counts_by_its_network(harness: Harness) -> None:
    for number in range(5):
        harness.connect(host=f"2001:db8:1:2::{number}")
    client = harness.connect(host="2001:db8:1:2:3:4:5:6")
    client.send(get())
    assert "2001:db8:1:2::/64" in refused(client, 429, "TOOMANYREQUESTS")
    assert harness.request("GET", "/v2/", host="2001:db8:1:3::1").status == 200


def test_ipv4_inside_ipv6_is_the_same_address(harness: Harness) -> None:
    for _ in range(5):
        harness.connect(host="::ffff:192.0.2.1")
    client = harness.connect(host="192.0.2.1")
    client.send(get())
    refused(client, 429, "TOOMANYREQUESTS")


def waiting(
    harness: Harness, count: int, *, address: str = host(1), **headers: str
) -> list[Client]:
    """Requests that wait for the rest of their bodies."""
    clients = []
    for _ in range(count):
        client = harness.connect(host=address)
        client.send(patch(begin(harness), b"abc", Content_Length="4", **headers))
        assert client.received == b""
        clients.append(client)
    return clients


def test_a_request_too_many_is_answered_503_and_its_connection_stays(
    harness: Harness,
) -> None:
    others = [one for n in range(1, 5) for one in waiting(harness, 2, address=host(n))]
    client = harness.connect(host=host(9))
    client.send(get())
    [answer] = client.answers()
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert answer.header("retry-after") == "5"
    assert client.is_open
    others[0].send(b"d")
    assert others[0].answers()[0].status == 202
    client.send(get())
    assert [one.status for one in client.answers()] == [503, 200]


def test_a_request_too_many_of_one_address_is_answered_429(harness: Harness) -> None:
    others = waiting(harness, 3)
    client = harness.connect()
    client.send(get())
    [answer] = client.answers()
    assert (answer.status, answer.code) == (429, "TOOMANYREQUESTS")
    assert answer.header("retry-after") == "5"
    assert harness.request("GET", "/v2/", host=host(2)).status == 200
    others[0].leave()
    client.send(get())
    assert [one.status for one in client.answers()] == [429, 200]


def test_a_refused_request_is_seen_by_logs_and_metrics(harness: Harness) -> None:
    waiting(harness, 3)
    harness.answered.clear()
    client = harness.connect()
    client.send(get())
    assert [response.status for _, response in harness.answered] == [429]


def test_requests_that_are_answered_at_once_are_never_too_many(
    harness: Harness,
) -> None:
    client = harness.connect()
    client.send(get() * 300)
    assert {one.status for one in client.answers()} == {200}
    assert len(client.answers()) == 300


def test_clients_behind_a_proxy_are_bounded_one_by_one() -> None:
    with crowded(trusted=PROXIES) as harness:
        waiting(harness, 3, address=PROXY, X_Forwarded_For="192.0.2.1")
        client = harness.connect(host=PROXY)
        client.send(get(X_Forwarded_For="192.0.2.1"))
        client.send(get(X_Forwarded_For="192.0.2.2"))
        client.send(get())
        assert [one.status for one in client.answers()] == [429, 200, 200]


def test_a_proxy_itself_is_bounded_only_with_all_others() -> None:
    with crowded(trusted=PROXIES) as harness:
        for _ in range(20):
            assert harness.connect(host=PROXY).is_open
        client = harness.connect(host=PROXY)
        client.send(get())
        refused(client, 503, "UNAVAILABLE")


def test_a_client_cannot_hide_by_what_it_says_of_itself(harness: Harness) -> None:
    waiting(harness, 3, X_Forwarded_For="192.0.2.77")
    client = harness.connect()
    client.send(get(X_Forwarded_For="192.0.2.78"))
    assert client.answers()[0].status == 429


def test_connections_that_rest_make_room_when_there_are_nearly_too_many() -> None:
    with crowded(attrs.evolve(LIMITS, hurried_timeout=5)) as harness:
        clients = fill(harness)
        for client in clients[15:]:
            client.leave()
        harness.advance(4)
        assert all(client.is_open for client in clients[:15])
        clients[0].send(get())
        clients[1].send(b"GET /v2/")
        harness.advance(2)
        assert [one.is_open for one in clients] == [True, True] + [False] * 18
        harness.advance(10)
        assert clients[0].is_open, "there is room again"
        assert clients[1].is_open


def test_those_who_send_many_requests_ahead_take_turns_with_others() -> None:
    with crowded(attrs.evolve(LIMITS, turn=4)) as harness:
        greedy, modest = harness.connect(), harness.connect()
        greedy.transport.deliver(get() * 50)
        modest.transport.deliver(get())
        assert greedy.received.count(b"HTTP/1.1 200") == 4
        assert modest.received.count(b"HTTP/1.1 200") == 1
        harness.advance(0)
        assert len(greedy.answers()) == 50


def test_what_is_sent_ahead_is_read_only_as_far_as_it_may_wait() -> None:
    """A head may be long, so the number of requests alone is no bound."""
    with crowded(attrs.evolve(LIMITS, behind=20_000)) as harness:
        path = push(harness, b"x" * 300_000)
        client = harness.connect()
        client.stall()
        client.send(get(path))
        for _ in range(30):
            client.send(get(X="x" * 5000))
        assert client.transport.is_paused
        assert client.transport.unread > 100_000
        client.take()
        assert len(client.answers()) == 31
        assert not client.transport.is_paused


def test_a_body_behind_much_that_was_sent_ahead_is_read() -> None:
    with crowded(attrs.evolve(LIMITS, behind=20_000)) as harness:
        path, session = push(harness, b"x" * 300_000), begin(harness)
        client = harness.connect()
        client.stall()
        client.send(get(path) + get(X="x" * 15_000))
        client.send(patch(session, b"y" * 10_000, Content_Length="50000"))
        assert client.transport.is_paused
        client.send(*[b"y" * 10_000] * 4)
        client.take()
        assert [one.status for one in client.answers()] == [200, 200, 202]


def test_large_manifests_at_once_are_bounded_in_memory() -> None:
    limits = Limits(memory=1024 * 1024, body_rate=0)
    with crowded(limits) as harness:
        clients = [harness.connect() for _ in range(5)]
        for client in clients:
            head = {"Content-Length": "200000"}
            path = f"/v2/{NAME}/manifests/t"
            client.send(request_bytes("PUT", path, headers=head))
            client.send(*[b" " * 10_000] * 19)
        assert harness.site.memory.whole <= 256 * 1024
        answers = [client.answers() for client in clients]
        assert [bool(some) for some in answers] == [False, False, True, True, True]
        assert answers[2][0].status == 503
        assert answers[2][0].header("retry-after") == "5"
        small = b"{}" + b" " * 50_000
        answer = harness.request("PUT", f"/v2/{NAME}/manifests/t", body=small)
        assert answer.status == 400
        clients[0].send(b" " * 10_000)
        assert clients[0].answers()[0].status == 400
