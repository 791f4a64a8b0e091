"""Whatever bytes come: valid answers, never a 500, nothing logged, bounded memory.

``FUZZ=long`` tries many more.
"""

from __future__ import annotations

import os
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.core.digest import Digest
from registry.testing.harness import Client, Harness, calm, request_bytes
from registry.web.limits import Limits

IS_LONG = os.environ.get("FUZZ") == "long"
LIMITS = Limits(buffered=20_000, discarded=5_000, pipelined=8)
EXAMPLES = settings(
    max_examples=5_000 if IS_LONG else 150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

NAME = "a/b"
DIGEST = str(Digest.of(b"content"))
SESSION = "00000000-0000-4000-8000-000000000001"

TARGETS = st.sampled_from(
    [
        "/v2/",
        "/v2",
        "/",
        "*",
        "http://h/v2/",
        f"/v2/{NAME}/blobs/{DIGEST}",
        f"/v2/{NAME}/blobs/uploads/",
        f"/v2/{NAME}/blobs/uploads/?digest={DIGEST}",
        f"/v2/{NAME}/blobs/uploads/{SESSION}",
        f"/v2/{NAME}/blobs/uploads/{SESSION}?digest={DIGEST}",
        f"/v2/{NAME}/manifests/t",
        f"/v2/{NAME}/tags/list?n=1",
        "/v2/_catalog",
        "/page",
    ]
)
METHODS = st.sampled_from(
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"]
)
HEADERS = st.lists(
    st.sampled_from(
        [
            ("Connection", "close"),
            ("Connection", "keep-alive"),
            ("Connection", "Upgrade"),
            ("Upgrade", "h2c"),
            ("Expect", "100-continue"),
            ("Range", "bytes=0-1,3-4"),
            ("Range", "bytes=-1"),
            ("If-None-Match", "*"),
            ("If-None-Match", f'"{DIGEST}"'),
            ("Content-Range", "0-6"),
            ("Content-Type", "application/vnd.oci.image.manifest.v1+json"),
            ("Host", "other"),
            ("Accept", "*/*"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Length", "7"),
            ("Content-Length", "0"),
        ]
    ),
    max_size=4,
)
BODIES = st.one_of(
    st.just(b""), st.just(b"content"), st.binary(max_size=300), st.just(b"x" * 9000)
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that is nearly always well formed."""
    headers, body = draw(HEADERS), draw(BODIES)
    if draw(st.booleans()):
        names = {name for name, _ in headers}
        if not names & {"Content-Length", "Transfer-Encoding"}:
            headers.append(("Transfer-Encoding", "chunked"))
        size = draw(st.integers(1, 400))
        parts = [body[i : i + size] for i in range(0, len(body), size)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in parts)
        body += b"0\r\n\r\n"
    return request_bytes(draw(METHODS), draw(TARGETS), headers=headers, body=body)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Requests of which some bytes were changed, cut out, put in or repeated."""
    raw = bytearray(b"".join(draw(st.lists(requests(), min_size=1, max_size=4))))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(raw)))
        upto = min(len(raw), at + draw(st.integers(0, 20)))
        match draw(st.integers(0, 3)):
            case 0:
                del raw[at:upto]
            case 1:
                raw[at:at] = draw(st.binary(max_size=8))
            case 2:
                raw[at:at] = draw(st.sampled_from(FRAGMENTS))
            case 3:
                raw[at:at] = raw[at:upto]
    return bytes(raw)


FRAGMENTS = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b": ",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 3\r\n",
    b"\r\n ",
    b"HTTP/1.0",
    b"HTTP/1.1\r\n",
    b"%00%0d%0a",
    b"\xff",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b';x="',
    b"fffffffffffffff\r\n",
]


@st.composite
def cut(draw: st.DrawFn, raws: st.SearchStrategy[bytes]) -> list[bytes]:
    """Bytes in segments, as a network might deliver them."""
    raw = draw(raws)
    marks = draw(st.lists(st.integers(0, len(raw)), max_size=6))
    edges = [0, *sorted(marks), len(raw)]
    return [raw[a:b] for a, b in pairwise(edges) if a < b]


CONVERSATIONS = st.one_of(
    cut(st.binary(max_size=200)),
    cut(st.lists(requests(), max_size=6).map(b"".join)),
    cut(mutated()),
)


def prepared(limits: Limits = LIMITS) -> Harness:
    """A registry that holds a blob and an upload session."""
    harness = Harness(limits=limits)
    harness.request("POST", f"/v2/{NAME}/blobs/uploads/")
    harness.request(
        "POST", f"/v2/{NAME}/blobs/uploads/?digest={DIGEST}", body=b"content"
    )
    harness.answered.clear()
    return harness


def check(client: Client, harness: Harness) -> None:
    """What has to hold after any conversation."""
    assert all(one.status != 500 for one in client.answers())
    assert len(harness.answered) == sum(one.status >= 200 for one in client.answers())
    channel = next(iter(harness.site._channels), None)
    if channel is not None:
        assert len(channel.arrivals.requests) <= LIMITS.pipelined + 1
        assert channel.arrivals.body._queued <= LIMITS.buffered + 10_000


def check_usable_or_ended(client: Client, harness: Harness) -> None:
    """The connection ends, or serves a last request; and nothing stays behind."""
    if client.is_open and harness.site._channels:
        [channel] = harness.site._channels
        if channel.is_idle and channel.arrivals.head_started is None:
            before = len(client.answers())
            client.send(request_bytes("GET", "/v2/"))
            assert len(client.answers()) == before + 1
    harness.advance(400)
    assert client.transport.is_closed
    assert harness.site.connections == 0
    assert harness.in_progress == 0
    assert all(one.status != 500 for one in client.answers())
    blob = harness.request("GET", f"/v2/{NAME}/blobs/{DIGEST}")
    assert blob.status in (200, 404)
    assert harness.request("GET", f"/v2/{NAME}/blobs/uploads/{SESSION}").status < 500


@EXAMPLES
@given(CONVERSATIONS)
def test_any_bytes_in_any_segments(segments: list[bytes]) -> None:
    with calm():
        harness = prepared()
        client = harness.connect()
        client.send(*segments)
        check(client, harness)
        check_usable_or_ended(client, harness)


@EXAMPLES
@given(CONVERSATIONS, st.integers(0, 3000), st.integers(1, 3000))
def test_any_bytes_from_a_slow_client(
    segments: list[bytes], first: int, then: int
) -> None:
    with calm():
        harness = prepared()
        client = harness.connect()
        client.stall()
        client.take(first)
        for segment in segments:
            client.send(segment)
            client.take(then)
        client.take()
        check(client, harness)
        check_usable_or_ended(client, harness)


@EXAMPLES
@given(CONVERSATIONS, st.sampled_from(["leave", "end"]))
def test_any_bytes_and_then_the_client_goes(segments: list[bytes], how: str) -> None:
    with calm():
        harness = prepared()
        client = harness.connect()
        client.send(*segments)
        getattr(client, how)()
        assert client.transport.is_closed
        assert harness.site.connections == 0
        assert all(one.status != 500 for one in client.answers())


WITHOUT_EXPECT = requests().filter(lambda raw: b"Expect" not in raw)


@EXAMPLES
@given(st.lists(WITHOUT_EXPECT, min_size=1, max_size=5).map(b"".join), st.data())
def test_segments_do_not_change_the_answers(raw: bytes, data: st.DataObject) -> None:
    """But for a body that is refused: it is only dropped if it has not come yet."""
    with calm():
        whole, split = prepared(Limits()), prepared(Limits())
        one, other = whole.connect(), split.connect()
        one.send(raw)
        other.send(*data.draw(cut(st.just(raw))))
        said, again = (
            [(a.status, len(a.body)) for a in client.answers() if a.status >= 200]
            for client in (one, other)
        )
        assert said == again
