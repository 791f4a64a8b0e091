"""What is fuzzed: functions of bytes that hold whatever the bytes are, and seeds.

A target raises only when something is wrong with the registry: an exception that its
callers do not expect, or a promise that is not kept. ``run.py`` drives each with bytes
that coverage guides; ``test_found.py`` keeps what was found.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_network
from itertools import count, pairwise

import attrs
from seeds import (
    CONTENT,
    DIGEST,
    DOCUMENT,
    INDEX,
    NAME,
    RICH,
    SESSION,
    sent,
)
from test_api_fuzz import test_any_calls_of_the_api
from test_channel_fuzz import test_any_bytes_and_then_the_client_goes

from registry.config.errors import ConfigError
from registry.config.load import read_config
from registry.core.errors import RegistryError
from registry.core.manifest import parse_manifest, stored_media_type
from registry.core.mediatype import OCI_INDEX, OCI_MANIFEST, accepts
from registry.core.name import parse_reference
from registry.core.precondition import match, none_match
from registry.core.route import parse_route
from registry.core.span import Unsatisfiable, select_spans
from registry.core.upload import ChunkRange, check_chunk
from registry.repository.damage import LinkCorrupt
from registry.repository.links import parse_link
from registry.repository.started import format_started, parse_started
from registry.storage.driver import StorageFailure
from registry.testing.harness import Harness, calm
from registry.web.forwarded import client_of, elements
from registry.web.limits import Limits
from registry.web.response import header_lines
from registry.web.session_state import SessionStates

LIMITS = Limits(buffered=20_000, discarded=5_000, pipelined=8, behind=4_000)
REFUSALS = {501, 503, 505}
"""Statuses above 499 that are no failures."""


@attrs.frozen
class Target:
    """``holds`` raises if the bytes break something; ``seeds`` are where to begin."""

    holds: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def split(data: bytes) -> list[bytes]:
    """Segments: a first byte says how many marks follow, and each where to cut."""
    marked = data[0] % 8 if data else 0
    marks, raw = data[1 : 1 + marked], data[1 + marked :]
    edges = [0, *sorted(len(raw) * mark // 256 for mark in marks), len(raw)]
    return [raw[a:b] for a, b in pairwise(edges) if a < b]


def prepared() -> Harness:
    """A registry that holds a blob and an upload session."""
    harness = Harness(limits=LIMITS)
    harness.request("POST", f"/v2/{NAME}/blobs/uploads/")
    path = f"/v2/{NAME}/blobs/uploads/?digest={DIGEST}"
    harness.request("POST", path, body=CONTENT)
    harness.answered.clear()
    return harness


RUNS = count(1)


def channel(data: bytes) -> None:
    """Any bytes on a connection, in any segments, and then the client goes."""
    if next(RUNS) % 500 == 0:
        gc.collect()  # a registry refers to itself, and few of them are worth a search
    with calm():
        harness = prepared()
        client = harness.connect()
        client.send(*split(data))
        for one in client.answers():
            assert one.status < 500 or one.status in REFUSALS, one
        for held in harness.site._channels:
            assert len(held.arrivals.requests) <= 4_000
        client.end()
        for _ in range(4):
            harness.reactor.advance(65)
        assert client.transport.is_closed
        assert harness.site.connections == 0
        assert harness.site.in_progress == 0
        assert len(harness.site.crowd) == 0
        assert (harness.site.memory.held, harness.site.memory.whole) == (0, 0)


def route(data: bytes) -> None:
    """Any path is a route, none, or a bad name; a route leads to itself."""
    with suppress(RegistryError):
        found = parse_route(data.decode("latin-1"))
        if found is not None and "%" not in found.path:
            assert parse_route(found.path) == found


def reference(data: bytes) -> None:
    """What is a tag or a digest is written as it was read."""
    text = data.decode("latin-1")
    with suppress(RegistryError):
        assert str(parse_reference(text)) == text


def manifest(data: bytes) -> None:
    """What is taken as a manifest can be served: its types can stand in headers."""
    kind = (None, OCI_MANIFEST, OCI_INDEX, "text/plain; a=b")[
        data[0] % 4 if data else 0
    ]
    header_lines(("Content-Type", stored_media_type(data[1:])))
    with suppress(RegistryError):
        found = parse_manifest(data[1:], kind)
        header_lines(("Content-Type", found.media_type))
        for child in [*found.children, *found.layers]:
            assert child.size >= 0
        assert json.loads(found.body) is not None


def span(data: bytes) -> None:
    """No Range makes an answer longer than the content."""
    size = data[0] if data else 0
    with suppress(Unsatisfiable):
        found = select_spans(data[1:].decode("latin-1"), size)
        if found is not None:
            assert found
            assert sum(one.length for one in found) <= size
            assert all(one.first >= 0 < one.length for one in found)
            assert max(one.last for one in found) < size


def chunk(data: bytes) -> None:
    """A chunk that is accepted begins where the upload ends."""
    offset = data[0] if data else 0
    with suppress(RegistryError):
        found = ChunkRange.parse(data[1:].decode("latin-1"))
        check_chunk(offset=offset, chunk=found, length=None)
        assert found.first == offset <= found.last


def header(data: bytes) -> None:
    """Headers that are looked into: anything is allowed, nothing takes for ever."""
    text = data.decode("latin-1")
    accepts(text, OCI_MANIFEST)
    etag = f'"{DIGEST}"'
    match(text, etag)
    none_match(text, etag)
    trusted = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    for nodes in (
        [said.get("for", "") for said in elements(text)],
        text.split(","),
    ):
        told = client_of(nodes, trusted)
        assert told is None or ip_network(told).num_addresses == 1


def config(data: bytes) -> None:
    """Any file is a configuration, or is refused in so many words."""
    with suppress(ConfigError):
        read_config(data, "fuzz.yml", {})


def environment(data: bytes) -> None:
    """Any variables are options, or are refused in so many words."""
    lines = data.decode("latin-1").replace("\0", "").splitlines()
    pairs = (line.partition("=")[::2] for line in lines)
    named = {f"REGISTRY_{name}": value for name, value in pairs}
    with suppress(ConfigError):
        read_config("version: 0.1\nstorage: inmemory\n", "fuzz.yml", named)


def state(data: bytes) -> None:
    """A state tells an offset only if it was signed here; then it may hold anything."""
    secret = b"for tests"
    states = SessionStates(secret)
    text = data.decode("latin-1")
    assert states.offset(text, name=NAME, session=SESSION) is None
    with suppress(ValueError):
        json.loads(data)
        mac = hmac.new(secret, data, hashlib.sha256).digest()
        sealed = base64.urlsafe_b64encode(mac + data).decode("ascii")
        states.offset(sealed, name=NAME, session=SESSION)
        states.blank(sealed, name=NAME, session=SESSION)


def stored(data: bytes) -> None:
    """What stands in small files is read, or is said to be corrupt."""
    with suppress(LinkCorrupt):
        assert str(parse_link("place", data, what="a link")).encode() == data.strip()
    with suppress(StorageFailure):
        moment = parse_started("place", data)
        if moment > 0:
            assert parse_started("place", format_started(moment)) == int(moment)


def drawn(test: Callable[..., None]) -> Callable[[bytes], None]:
    """A test of random examples, which are drawn from the bytes instead."""
    draw: Callable[[bytes], object] = test.hypothesis.fuzz_one_input  # type: ignore[attr-defined]

    def holds(data: bytes) -> None:
        draw(data)

    return holds


TARGETS = {
    "api": Target(drawn(test_any_calls_of_the_api), (bytes(200), bytes(range(256)))),
    "requests": Target(
        drawn(test_any_bytes_and_then_the_client_goes), (bytes(200), bytes(range(256)))
    ),
    "channel": Target(
        channel,
        (
            sent("GET", "/v2/"),
            sent("GET", f"/v2/{NAME}/blobs/{DIGEST}", b"Range: bytes=0-1,3-4"),
            sent("PUT", f"/v2/{NAME}/manifests/t", b"Content-Length: 2", body=b"{}"),
            sent(
                "PATCH",
                f"/v2/{NAME}/blobs/uploads/{SESSION}",
                b"Transfer-Encoding: chunked",
                b"Expect: 100-continue",
                body=b"3;a=b\r\nabc\r\n0\r\nT: t\r\n\r\n",
            ),
            sent("GET", "/page", b"Connection: Upgrade", b"Upgrade: h2c"),
            b"\x03\x10\x80\xf0" + sent("POST", "/", b"Content-Length: 3", body=b"abc"),
            b"\0\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
            b"\0PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ),
    ),
    "route": Target(
        route,
        (
            b"/v2/",
            b"/v2/_catalog",
            b"/v2/a/b/manifests/latest",
            b"/v2/a%2fb/blobs/uploads/",
            b"/v2/a/tags/list",
            b"/v2/a/../referrers/sha256:0",
            b"/v2/%e2%82%ac/blobs/x",
        ),
    ),
    "reference": Target(reference, (b"latest", DIGEST.encode(), b"sha512:00", b"a:b")),
    "manifest": Target(manifest, (b"\0" + DOCUMENT, b"\2" + INDEX, b"\1{}", b"\0[]")),
    "span": Target(
        span,
        (b"\x20bytes=0-1,5-,-3", b"\xffbytes=-0", b"\0bytes=1-0", b"\x09items=1-2"),
    ),
    "chunk": Target(chunk, (b"\x000-6", b"\x07bytes 7-13/*", b"\x01bytes=1-1/9")),
    "header": Target(
        header,
        (
            b'for=192.0.2.1;proto=https;host="a", for="[2001:db8::1]:80";by=_x',
            b"192.0.2.1, 10.0.0.1:99, unknown",
            b"application/json;q=0.5, */*;q=0, text/*",
            b'W/"a", "b", *',
        ),
    ),
    "config": Target(
        config,
        (
            b"version: 0.1\nstorage: inmemory\n",
            RICH,
            b"version: 0.1\nstorage: &a {inmemory: *a}\n",
            b"version: 0.1\nstorage: {s3: {bucket: b}}\nauth: {htpasswd: {realm: r}}\n",
            b"- [&a [*a], !!binary aGk=, ? {}, : ~]\n--- |\n  x\n",
        ),
    ),
    "environment": Target(
        environment,
        (
            b"HTTP_ADDR=:5001\nLOG_LEVEL=debug",
            b"STORAGE_MAINTENANCE_UPLOADPURGING_AGE=5m\nHTTP_HEADERS={X: [a]}",
            b"HTTP_TRUSTEDPROXIES_0=10.0.0.0/8\nSTORAGE=filesystem",
            b"HTTP_LIMITS={url: 1KiB",
        ),
    ),
    "state": Target(
        state,
        (
            b"AAAA",
            b'{"Name":"a/b","UUID":"%s","Offset":7}' % SESSION.encode(),
            b'{"Name":"a/b","UUID":"%s","Offset":0,"StartedAt":"2026-01-02T03:04:05Z"}'
            % SESSION.encode(),
            b"[]",
        ),
    ),
    "stored": Target(
        stored, (DIGEST.encode(), b"2026-01-02T03:04:05Z", b"2026-01-02T03:04:05+01:00")
    ),
}


def together(names: Sequence[str]) -> Target:
    """These targets as one: a first byte chooses, unless there is nothing to choose."""
    targets = [TARGETS[name] for name in names]
    if len(targets) == 1:
        return targets[0]

    def holds(data: bytes) -> None:
        if data:
            targets[data[0] % len(targets)].holds(data[1:])

    seeds = [
        bytes([number]) + seed
        for number, target in enumerate(targets)
        for seed in target.seeds
    ]
    return Target(holds, tuple(seeds))
