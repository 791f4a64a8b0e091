"""What is refused before an endpoint sees it, with which status, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from exchanges import NAME, begin, chunked, get, offset, patch, push

from registry.core.digest import Digest
from registry.testing.harness import Harness, calm_harness, request_bytes
from registry.web.limits import KIB, Limits


@pytest.fixture
def harness() -> Iterator[Harness]:
    with calm_harness() as harness:
        yield harness


def refused(harness: Harness, raw: bytes, *, whole: bool = True) -> int:
    """The status of the only answer to ``raw``, which ends the connection."""
    client = harness.connect()
    client.send(*([raw] if whole else (raw[i : i + 999] for i in range(0, 99999, 999))))
    [answer] = client.answers()
    assert answer.closes
    assert answer.json["errors"][0]["message"]
    assert client.transport.is_half_closed or client.transport.is_closed
    return answer.status


ONE = b"GET /v2/ HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (400, b"GET /v2/ HTTP/1.1\r\n\r\n"),
        (400, ONE + b"Host: b\r\n\r\n"),
        (400, b"GET v2 HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, b"GET /v2/\xff HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, b"GET /v2/ XTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, ONE + b"A b: c\r\n\r\n"),
        (400, ONE + b"Content-Length: -1\r\n\r\n"),
        (400, ONE + b"Content-Length: 99999999999999999999999\r\n\r\n"),
        (417, ONE + b"Expect: a-miracle\r\n\r\n"),
        (417, ONE + b"Expect: 100-continue, more\r\n\r\n"),
        (501, b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
        (501, b"FETCH /v2/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        (501, b"get /v2/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        (501, ONE + b"Transfer-Encoding: gzip, chunked\r\n\r\n"),
        (505, b"GET /v2/ HTTP/1.2\r\nHost: a\r\n\r\n"),
        (505, b"GET /v2/ HTTP/2.0\r\nHost: a\r\n\r\n"),
        (505, b"GET /v2/ HTTP/9.9\r\nHost: a\r\n\r\n"),
        (505, b"GET /v2/ HTTP/0.9\r\nHost: a\r\n\r\n"),
        (505, b"GET /v2/\r\n\r\n"),
        (400, b"GET /v2/ HTTP/1.1\nHost: a\n\n"),
        (400, b"GET /v2/ HTTP/1.1\r\nHost: a\n\n"),
        (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    ],
)
def test_refusals(harness: Harness, status: int, raw: bytes) -> None:
    assert refused(harness, raw) == status


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (414, b"GET /v2/%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 8 * KIB)),
        (431, ONE + b"A: %s\r\n\r\n" % (b"a" * 32 * KIB)),
        (431, ONE + b"%s: a\r\n\r\n" % (b"a" * 32 * KIB)),
        (431, ONE + (b"A: %s\r\n" % (b"a" * KIB)) * 32 + b"\r\n"),
        (431, ONE + b"A: b\r\n" * 100 + b"\r\n"),
    ],
)
def test_long_heads_are_refused_however_they_arrive(
    harness: Harness, status: int, raw: bytes, whole: bool
) -> None:
    assert refused(harness, raw, whole=whole) == status


@pytest.mark.parametrize("size", [0, 1, 4095, 4096])
def test_the_longest_heads_are_served(harness: Harness, size: int) -> None:
    raw = ONE + b"A: b\r\n" * 98 + b"B: %s\r\n\r\n" % (b"c" * size)
    target = b"GET /v2/?%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * (8 * KIB - 5))
    answers = harness.exchange(raw + target)
    assert [one.status for one in answers] == [200, 200]


def test_a_head_behind_the_end_of_a_long_body_is_measured_by_itself(
    harness: Harness,
) -> None:
    """The body's bytes in the same segment are not the head's."""
    client = harness.connect()
    raw = patch(begin(harness), b"x" * 60_000)
    client.send(raw + b"GET /v2/", b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [one.status for one in client.answers()] == [202, 200]


def test_empty_lines_before_a_request_are_skipped_but_not_for_ever(
    harness: Harness,
) -> None:
    assert harness.exchange(b"\r\n\r\n" + get())[0].status == 200
    client = harness.connect()
    client.send(*[b"\r\n" * 1000] * 17)
    assert client.answers()[0].status == 431


def test_a_refusal_comes_after_what_was_asked_before(harness: Harness) -> None:
    path = push(harness, b"content")
    answers = harness.exchange(get(path) + get() + b"NONSENSE\r\n\r\n" + get())
    assert [one.status for one in answers] == [200, 200, 501]


def test_a_manifest_above_the_limit_is_refused_by_its_length_alone(
    harness: Harness,
) -> None:
    client = harness.connect()
    head = request_bytes(
        "PUT",
        f"/v2/{NAME}/manifests/latest",
        headers={"Content-Length": str(4 * KIB * KIB + 1), "Expect": "100-continue"},
    )
    client.send(head)
    [answer] = client.answers()
    assert (answer.status, answer.code) == (413, "MANIFEST_INVALID")
    assert answer.closes


def test_a_manifest_above_the_limit_in_chunks_is_refused_when_it_is(
    harness: Harness,
) -> None:
    client = harness.connect()
    client.send(
        request_bytes(
            "PUT",
            f"/v2/{NAME}/manifests/latest",
            headers={"Transfer-Encoding": "chunked"},
        )
    )
    for _ in range(70):
        client.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    [answer] = client.answers()
    assert answer.status == 413


def test_a_body_for_a_page_above_the_limit_is_refused(harness: Harness) -> None:
    client = harness.connect()
    client.send(request_bytes("POST", "/", headers={"Content-Length": "99999999"}))
    assert client.answers()[0].status == 413


@pytest.mark.parametrize(
    "framing",
    [
        b"A: %s\r\n" % (b"a" * 40_000),
        b"%s: a\r\n" % (b"a" * 40_000),
        b"A: b\r\n" * 10_000,
    ],
)
def test_endless_trailers_are_refused(harness: Harness, framing: bytes) -> None:
    session = begin(harness)
    client = harness.connect()
    client.send(
        request_bytes("PATCH", session, headers={"Transfer-Encoding": "chunked"})
    )
    client.send(b"3\r\nabc\r\n0\r\n")
    client.send(*(framing[i : i + 1000] for i in range(0, len(framing), 1000)))
    [answer] = client.answers()
    assert (answer.status, answer.code) == (400, "BLOB_UPLOAD_INVALID")
    assert answer.closes
    assert offset(harness, session) == 3


def test_an_endless_chunk_extension_is_refused(harness: Harness) -> None:
    session = begin(harness)
    client = harness.connect()
    client.send(
        request_bytes("PATCH", session, headers={"Transfer-Encoding": "chunked"})
    )
    client.send(b"3;", *[b"a" * 1000] * 40)
    assert client.answers()[0].status == 400


def test_a_body_of_many_small_chunks_is_taken(harness: Harness) -> None:
    """What is around the chunks counts between two bytes of the body only."""
    session = begin(harness)
    raw = chunked(*[b"x"] * 20_000)
    client = harness.connect()
    client.send(
        request_bytes("PATCH", session, headers={"Transfer-Encoding": "chunked"}),
        *(raw[i : i + 1000] for i in range(0, len(raw), 1000)),
    )
    assert client.answers()[0].header("range") == "0-19999"


def test_a_blob_is_not_stored_when_its_body_is_malformed(harness: Harness) -> None:
    digest = Digest.of(b"abc")
    raw = request_bytes(
        "POST",
        f"/v2/{NAME}/blobs/uploads/?digest={digest}",
        headers={"Transfer-Encoding": "chunked"},
        body=b"3\r\nabc\r\nnonsense",
    )
    [answer] = harness.exchange(raw)
    assert answer.status == 400
    assert harness.request("GET", f"/v2/{NAME}/blobs/{digest}").status == 404


def test_what_follows_a_refusal_is_read_only_so_far() -> None:
    with calm_harness(limits=Limits(lingered=10_000)) as harness:
        client = harness.connect()
        client.send(b"NONSENSE\r\n\r\n", *[b"x" * 1000] * 10)
        assert not client.transport.is_aborted
        client.send(b"x")
        assert client.transport.is_aborted
        assert client.answers()[0].status == 501


def test_limits_are_the_operators(harness: Harness) -> None:
    with calm_harness(limits=Limits(head=200, headers=3, target=20)) as small:
        assert refused(small, get("/v2/" + "a" * 20)) == 414
        assert refused(small, get(A="1", B="2", C="3")) == 431
        assert refused(small, get(A="1" * 200)) == 431
        assert small.request("GET", "/v2/").status == 200
    assert harness.request("GET", "/v2/" + "a" * 20 + "/tags/list").status == 404
