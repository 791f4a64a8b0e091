"""Hostile requests: nothing hidden in one is ever taken for another. RFC 9112 11."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from exchanges import NAME, begin, get, push

from registry.core.digest import Digest
from registry.core.mediatype import OCI_INDEX
from registry.testing.answers import Answer
from registry.testing.harness import HOST, Harness, calm_harness, request_bytes


@pytest.fixture
def harness() -> Iterator[Harness]:
    with calm_harness() as harness:
        yield harness


HIDDEN = b"GET /v2/hidden/tags/list HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /v2/ HTTP/1.1\r\nHost: a\r\n"
LENGTH = b"Content-Length: 5\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
NOTHING = b"\r\n0\r\n\r\n"

AMBIGUOUS = {
    "length and coding": LENGTH + CHUNKED + NOTHING,
    "coding and length": CHUNKED + LENGTH + NOTHING,
    "two lengths": b"Content-Length: 0\r\nContent-Length: 49\r\n\r\n",
    "two equal lengths": b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a list of lengths": b"Content-Length: 0, 49\r\n\r\n",
    "an empty length": b"Content-Length:\r\n\r\n",
    "a signed length": b"Content-Length: +0\r\n\r\n",
    "a hexadecimal length": b"Content-Length: 0x0\r\n\r\n",
    "a length with an underscore": b"Content-Length: 1_0\r\n\r\n",
    "coding twice": CHUNKED + CHUNKED + NOTHING,
    "chunked not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity, then chunked": b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a hidden coding": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "an empty coding": b"Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded line": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a folded value": b"A: b\r\n\tContent-Length: 49\r\n\r\n",
    "a bare line feed": b"A: b\nContent-Length: 49\r\n\r\n",
    "bare line feeds": b"A: b\n\n",
    "a bare carriage return": b"A: b\rContent-Length: 49\r\n\r\n",
    "a zero byte in a value": b"A: b\0c\r\n\r\n",
    "a zero byte in a name": b"A\0: b\r\n\r\n",
    "a header without a name": b": b\r\n\r\n",
    "a header without a colon": b"Content-Length\r\n\r\n",
    "a space at the start": b" Content-Length: 49\r\n\r\n",
}


@pytest.mark.parametrize("head", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_ambiguous_framing_ends_the_connection(harness: Harness, head: bytes) -> None:
    client = harness.connect()
    client.send(POST + head + HIDDEN)
    [answer] = client.answers()
    assert answer.status in (400, 501)
    assert answer.closes
    client.send(HIDDEN)
    assert len(client.answers()) == 1


def test_chunked_coding_of_http_1_0_is_refused(harness: Harness) -> None:
    raw = b"POST /v2/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN
    [answer] = harness.exchange(raw)
    assert answer.status == 501


SIZES = [
    b"0x3",
    b"3 ",
    b" 3",
    b"+3",
    b"-3",
    b"3\n",
    b"3\r",
    b"3\t",
    b"_3",
    b"3\0",
    b"3;\0",
    b'3;a="\n"',
    b"3;\x7f",
    b"ffffffffffffffff3",
    b"10000000000000003",
    b"",
    b"g",
]


@pytest.mark.parametrize("size", SIZES)
def test_tricks_with_sizes_of_chunks_end_the_connection(
    harness: Harness, size: bytes
) -> None:
    session = begin(harness)
    client = harness.connect()
    client.send(
        request_bytes("PATCH", session, headers={"Transfer-Encoding": "chunked"})
        + size
        + b"\r\nabc\r\n0\r\n\r\n"
        + HIDDEN
    )
    [answer] = client.answers()
    assert answer.status == 400
    assert answer.closes


@pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"X\r\n", b"\n\r"])
def test_a_chunk_ends_with_its_line(harness: Harness, end: bytes) -> None:
    session = begin(harness)
    raw = request_bytes("PATCH", session, headers={"Transfer-Encoding": "chunked"})
    answers = harness.exchange(raw + b"3\r\nabc" + end + b"0\r\n\r\n" + HIDDEN)
    assert [one.status for one in answers] == [400]


def with_trailers(harness: Harness, trailers: bytes) -> list[Answer]:
    raw = request_bytes(
        "PATCH", begin(harness), headers={"Transfer-Encoding": "chunked"}
    )
    return harness.exchange(raw + b"3\r\nabc\r\n0\r\n" + trailers + b"\r\n" + get())


def test_trailers_change_nothing(harness: Harness) -> None:
    trailers = b"Host: elsewhere\r\nExpect: a-miracle\r\nContent-Range: 7-9\r\n"
    first, second = with_trailers(harness, trailers)
    assert first.status == 202
    assert (first.header("location") or "").startswith(f"http://{HOST}/")
    assert not first.closes
    assert second.status == 200


@pytest.mark.parametrize(
    "trailer", [b"Content-Length: 99\r\n", b"Transfer-Encoding: chunked\r\n"]
)
def test_framing_in_trailers_ends_the_connection(
    harness: Harness, trailer: bytes
) -> None:
    [answer] = with_trailers(harness, trailer)
    assert answer.status == 400
    assert answer.closes


def test_a_malformed_trailer_ends_the_connection(harness: Harness) -> None:
    session = begin(harness)
    raw = request_bytes("PATCH", session, headers={"Transfer-Encoding": "chunked"})
    [answer] = harness.exchange(raw + b"3\r\nabc\r\n0\r\nA b: c\r\n\r\n" + HIDDEN)
    assert answer.status == 400


# Targets.


def location(harness: Harness, target: str, host: str) -> str | None:
    raw = f"POST {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1")
    [answer] = harness.exchange(raw)
    return answer.header("location")


def test_the_absolute_form_names_the_host(harness: Harness) -> None:
    told = location(harness, "http://real.test/v2/a/blobs/uploads/", "other.test")
    assert (told or "").startswith("http://real.test/v2/a/blobs/uploads/")


@pytest.mark.parametrize(
    "target",
    [
        "http://user@real.test/v2/",
        "http:///v2/",
        "ftp://real.test/v2/",
        "real.test:80",
        "http://real.test",
        "http://real.test?a",
    ],
)
def test_other_absolute_forms_do_no_harm(harness: Harness, target: str) -> None:
    raw = f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    [answer] = harness.exchange(raw)
    assert answer.status in (400, 404)


@pytest.mark.parametrize(
    "path",
    [
        "/v2/a%2fb/tags/list",
        "/v2/a%2Fb/manifests/t",
        "/v2/%2e%2e/blobs/uploads/",
        "/v2/../manifests/t",
        "/v2/a/../../etc/manifests/passwd",
        "/v2/a/blobs/uploads/..",
        "/v2/a/blobs/uploads/%2e%2e",
        "/v2/a/blobs/uploads/..%2f..",
        "/v2//manifests/t",
        "/v2/a//manifests/t",
        "//v2/a/manifests/t",
        "/v2/a/manifests/..",
        "/v2/a/manifests/%00",
        "/v2/a/manifests/%0d%0aX:%20y",
        "/v2/a/blobs/sha256:%0d%0aX:%20y",
        "/v2/a/blobs/sha256:../../../x",
        "/v2/A/manifests/t",
        "/v2/%ff/manifests/t",
        "/v2/" + "a" * 300 + "/manifests/t",
        "/v2/a/manifests/" + "t" * 300,
        "/v2/a/blobs/sha256:" + "0" * 5000,
        "/v2/a%0d%0aX:y/tags/list",
        "/v2/a/referrers/x%0d%0aX:y",
        "/v2/a;b/tags/list",
        "/v2/%e2%82%ac/tags/list",
        "/v2/.a/tags/list",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/../../etc/passwd",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"])
def test_hostile_paths_are_refused(harness: Harness, method: str, path: str) -> None:
    client = harness.connect()
    client.send(request_bytes(method, path, body=b"x") + get())
    first, last = client.answers()
    assert 400 <= first.status < 500
    assert first.header("x") is None
    assert last.status == 200


@pytest.mark.parametrize(
    "host",
    ["a b", "a\x7fb", "a/b", "a<b>", 'a"b', "a\\b", "a?b", "a#b", "user@a", "\xe9"],
)
def test_a_host_that_is_none_is_refused(harness: Harness, host: str) -> None:
    raw = f"GET /v2/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1")
    [answer] = harness.exchange(raw)
    assert answer.status == 400


@pytest.mark.parametrize(
    "query",
    [
        "?digest=sha256:%0d%0aX:%20y",
        "?mount=sha256:" + "0" * 64 + "&from=a%0d%0aX:y",
        "?mount=%0d%0aX:y&from=b",
        "?digest-algorithm=%0d%0aX:y",
        "?_state=%0d%0aX:y",
        "?n=1%0d%0a&last=%0d%0aX:%20y",
        "?n=1&last=%e2%82%ac",
        "?n=%ff",
        "?tag=%0d%0aX:y&tag=b",
        "?artifactType=%0d%0aX:%20y",
        "?from=%2e%2e&mount=sha256:" + "0" * 64,
        "?&&&===%",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"/v2/{NAME}/blobs/uploads/"),
        ("GET", "/v2/_catalog"),
        ("GET", f"/v2/{NAME}/tags/list"),
        ("PUT", f"/v2/{NAME}/manifests/t"),
        ("GET", f"/v2/{NAME}/referrers/sha256:{'0' * 64}"),
    ],
)
def test_nothing_from_a_query_becomes_a_header(
    harness: Harness, method: str, path: str, query: str
) -> None:
    push(harness, b"content")
    answer = harness.request(method, path + query)
    assert answer.status < 500
    assert answer.header("x") is None


def test_a_page_link_carries_hostile_text_encoded(harness: Harness) -> None:
    for name in ("a", "b"):
        answer = harness.request(
            "PUT",
            f"/v2/{name}/manifests/t",
            headers={"Content-Type": OCI_INDEX},
            body=b'{"schemaVersion": 2, "mediaType": "%s", "manifests": []}'
            % OCI_INDEX.encode(),
        )
        assert answer.status == 201, answer
    answer = harness.request("GET", "/v2/_catalog?n=1&last=%00")
    link = answer.header("link") or ""
    assert re.fullmatch(r'</v2/_catalog\?[\x21-\x7e]*>; rel="next"', link)


def test_repeated_headers_are_joined_but_for_host(harness: Harness) -> None:
    path = push(harness, b"content")
    etag = f'"{Digest.of(b"content")}"'
    raw = request_bytes(
        "GET", path, headers=[("If-None-Match", '"a"'), ("If-None-Match", etag)]
    )
    [answer] = harness.exchange(raw)
    assert answer.status == 304
