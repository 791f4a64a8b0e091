"""Content in parts: what is sent is exactly what was asked. RFC 9110 14."""

from __future__ import annotations

import email
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.digest import Digest
from registry.storage.held import HeldContent
from registry.testing.harness import DELETING, Harness
from registry.web.body import EMPTY
from registry.web.peer import Peer
from registry.web.ranges import content_response
from registry.web.request import Request
from registry.web.response import Piece, Response

CONTENT = bytes(range(256)) * 2
ETAG = '"tag"'


class OnDisk(HeldContent):
    """Content that pretends not to be in memory, and knows whether it is closed."""

    is_closed = False

    @property
    def held(self) -> bytes | None:
        return None

    def close(self) -> None:
        self.is_closed = True


def answered(
    content: HeldContent, headers: dict[bytes, bytes] | None = None
) -> Response:
    request = Request(
        "GET",
        b"/",
        "1.1",
        headers or {},
        EMPTY,
        Peer("h", 1, is_trusted_proxy=False),
        keep_alive=True,
        secure=False,
        started=0.0,
    )
    return content_response(
        request, content, etag=ETAG, media_type="a/b", head=b"ETag: x\r\n"
    )


def sent(response: Response) -> bytes:
    if not response.segments:
        return response.body
    parts = [
        CONTENT[one.offset : one.offset + one.length] if isinstance(one, Piece) else one
        for one in response.segments
    ]
    return b"".join(parts)


BOTH = pytest.mark.parametrize("kind", [HeldContent, OnDisk])


@BOTH
def test_without_a_range_all_is_sent(kind: type[HeldContent]) -> None:
    response = answered(kind(CONTENT))
    assert (response.status, sent(response)) == (200, CONTENT)
    assert response.head == b"Content-Type: a/b\r\nETag: x\r\n"


@BOTH
def test_one_range_is_sent_as_it_is(kind: type[HeldContent]) -> None:
    response = answered(kind(CONTENT), {b"range": b"bytes=10-19"})
    assert (response.status, sent(response)) == (206, CONTENT[10:20])
    assert b"Content-Range: bytes 10-19/512\r\n" in response.head
    assert response.length == 10


def test_a_range_that_cannot_be_satisfied_lets_go_of_the_content() -> None:
    content = OnDisk(CONTENT)
    response = answered(content, {b"range": b"bytes=512-"})
    assert response.status == 416
    assert b"Content-Range: bytes */512\r\n" in response.head
    assert content.is_closed


def test_unchanged_content_is_not_sent() -> None:
    content = OnDisk(CONTENT)
    response = answered(content, {b"if-none-match": b'"other", "tag"'})
    assert (response.status, response.length) == (304, 0)
    response.close()
    assert content.is_closed


def test_a_range_of_what_has_changed_is_the_whole() -> None:
    headers = {b"range": b"bytes=0-1", b"if-range": b'"other"'}
    assert answered(HeldContent(CONTENT), headers).status == 200
    headers[b"if-range"] = ETAG.encode()
    assert answered(HeldContent(CONTENT), headers).status == 206


@BOTH
def test_empty_content_is_sent_whole(kind: type[HeldContent]) -> None:
    response = answered(kind(b""), {b"range": b"bytes=0-"})
    assert (response.status, response.length) == (200, 0)


SPANS = st.tuples(st.integers(0, 511), st.integers(1, 20))


def apart(spans: list[tuple[int, int]]) -> bool:
    """Whether no two spans overlap: those that do are merged."""
    taken = sorted((first, min(first + size, 512)) for first, size in spans)
    return all(a[1] < b[0] for a, b in pairwise(taken))


@given(
    st.sampled_from([HeldContent, OnDisk]),
    st.lists(SPANS, min_size=2, max_size=8).filter(apart),
)
def test_several_ranges_are_a_message_that_others_can_read(
    kind: type[HeldContent], spans: list[tuple[int, int]]
) -> None:
    asked = ",".join(f"{first}-{first + size - 1}" for first, size in spans)
    response = answered(kind(CONTENT), {b"range": f"bytes={asked}".encode()})
    assert response.status == 206
    body = sent(response)
    assert len(body) == response.length
    message = email.message_from_bytes(response.head + b"\r\n" + body)
    assert message.get_content_type() == "multipart/byteranges"
    boundary = f"\r\n--{message.get_boundary()}".encode()
    slices = [part.partition(b"\r\n\r\n")[2] for part in body.split(boundary)[1:-1]]
    assert slices == [CONTENT[first : first + size] for first, size in spans]
    for part, (first, size) in zip(message.get_payload(), spans, strict=True):
        last = min(first + size, 512) - 1
        assert part["Content-Range"] == f"bytes {first}-{last}/512"
        assert part.get_content_type() == "a/b"


def test_several_ranges_over_the_wire_are_exact() -> None:
    harness = Harness(options=DELETING)
    text = bytes(range(65, 91)) * 10
    pushed = harness.request(
        "POST", f"/v2/a/blobs/uploads/?digest={Digest.of(text)}", body=text
    )
    path = (pushed.header("location") or "").removeprefix("http://registry.test")
    answer = harness.request("GET", path, headers={"Range": "bytes=-3,0-1,100-109"})
    assert answer.status == 206
    kind = answer.header("content-type") or ""
    message = email.message_from_bytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + answer.body
    )
    parts = [part.get_payload(decode=True) for part in message.get_payload()]
    assert parts == [text[-3:], text[:2], text[100:110]]
