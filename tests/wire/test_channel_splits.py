"""However the network cuts a conversation up, its answers are the same bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from exchanges import NAME, begin, get, patch, patch_chunked, push

from registry.core.digest import Digest
from registry.testing.harness import Client, Harness, calm, calm_harness, request_bytes

CONTENT = b"some content of a blob"

Conversation = Callable[[Harness], bytes]


def a_get(harness: Harness) -> bytes:
    return get(push(harness, CONTENT), Range="bytes=2-5")


def a_get_of_nothing(harness: Harness) -> bytes:
    del harness
    return get(f"/v2/{NAME}/tags/list?n=3", Accept="a,\tb ,  c")


def a_post_with_length(harness: Harness) -> bytes:
    del harness
    path = f"/v2/{NAME}/blobs/uploads/?digest={Digest.of(CONTENT)}"
    return request_bytes("POST", path, body=CONTENT)


def a_chunked_patch(harness: Harness) -> bytes:
    return patch_chunked(begin(harness), b"some ", b"cont", b"ent")


def a_pipeline(harness: Harness) -> bytes:
    session = begin(harness)
    return (
        get(push(harness, CONTENT))
        + patch(session, b"abc")
        + get(session)
        + get(method="HEAD")
        + patch_chunked(session, b"def", trailers=b"X-Sum: 1\r\n")
        + get(session, Connection="close")
    )


def an_upgrade_with_a_body(harness: Harness) -> bytes:
    session = begin(harness)
    asks = {"Connection": "Upgrade", "Upgrade": "h2c"}
    return patch(session, b"abc", **asks) + get(**asks) + get(session, **asks)


def a_tree_resource(harness: Harness) -> bytes:
    del harness
    return request_bytes("POST", "/nothing", body=b"a=b") + get("/nothing")


def a_malformed_request(harness: Harness) -> bytes:
    del harness
    return get() + b"GET / HTTP/1.1\r\nHost: a\r\nBad header: 1\r\n\r\n" + get()


CONVERSATIONS = [
    a_get,
    a_get_of_nothing,
    a_post_with_length,
    a_chunked_patch,
    a_pipeline,
    an_upgrade_with_a_body,
    a_tree_resource,
    a_malformed_request,
]


def answered(conversation: Conversation, cut: Callable[[bytes], list[bytes]]) -> bytes:
    harness = Harness()
    client = harness.connect()
    client.send(*cut(conversation(harness)))
    return without_twisted_date(client)


def without_twisted_date(client: Client) -> bytes:
    """What was received; twisted.web dates its own answers by the wall clock."""
    lines = client.received.split(b"\r\n")
    return b"\r\n".join(
        line for line in lines if line[:6].lower() != b"date: " or b"2001" in line
    )


@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_every_split_gives_the_same_answers(conversation: Conversation) -> None:
    whole = answered(conversation, lambda raw: [raw])
    length = len(conversation(Harness()))
    assert whole.startswith(b"HTTP/1.1 ")
    with calm():
        for at in range(1, length):
            split = answered(conversation, lambda raw, at=at: [raw[:at], raw[at:]])
            assert split == whole, f"split at {at}"


@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_one_byte_at_a_time_gives_the_same_answers(conversation: Conversation) -> None:
    whole = answered(conversation, lambda raw: [raw])
    with calm():
        assert answered(conversation, lambda raw: [bytes([b]) for b in raw]) == whole


def test_the_pipeline_is_answered_in_order() -> None:
    with calm_harness() as harness:
        client = harness.connect()
        client.send(a_pipeline(harness))
        answers = client.answers()
        assert [one.status for one in answers] == [200, 202, 204, 200, 202, 204]
        assert answers[-1].header("range") == "0-5"
        assert answers[-1].closes
        assert client.transport.is_closed


def test_a_body_behind_an_upgrade_is_no_request() -> None:
    """llhttp ends a message that asks for an upgrade at its head."""
    with calm_harness() as harness:
        inner = get("/v2/smuggled")
        session = begin(harness)
        raw = patch(session, inner, Connection="Upgrade", Upgrade="websocket") + get()
        first, second = harness.exchange(raw)
        assert first.status == 202
        assert first.header("range") == f"0-{len(inner) - 1}"
        assert second.status == 200


@pytest.mark.parametrize("at", range(0, 200, 7))
def test_a_client_that_waits_for_leave_gets_it_wherever_its_head_is_split(
    at: int,
) -> None:
    with calm_harness() as harness:
        raw = patch(begin(harness), b"", Expect="100-continue", Content_Length="3")
        client = harness.connect()
        client.send(raw[:at], raw[at:])
        assert [one.status for one in client.answers()] == [100]
        client.send(b"a", b"bc")
        interim, final = client.answers()
        assert (interim.status, final.status) == (100, 202)
        assert final.header("range") == "0-2"
