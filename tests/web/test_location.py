"""URLs of our own: what clients say is believed only from trusted proxies."""

from __future__ import annotations

from ipaddress import ip_network

import attrs
import pytest

from registry.web.body import EMPTY
from registry.web.location import Locations, client_address
from registry.web.peer import Peer
from registry.web.request import Request

STRANGER = Peer("192.0.2.1", 1, is_trusted_proxy=False)
PROXY = Peer(
    "10.0.0.1",
    1,
    is_trusted_proxy=True,
    trusted=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")),
)
MODERN = attrs.evolve(PROXY, told_by=b"forwarded")
TERSE = attrs.evolve(PROXY, told_by=b"x-real-ip")


def request(
    headers: dict[bytes, bytes], *, peer: Peer = STRANGER, secure: bool = False
) -> Request:
    return Request(
        "GET",
        b"/v2/",
        "1.1",
        headers,
        EMPTY,
        peer,
        keep_alive=True,
        secure=secure,
        started=0.0,
    )


HOST = {b"host": b"registry.test:5000"}
X_FORWARDED = {b"x-forwarded-proto": b"https", b"x-forwarded-host": b"front.test"}
RFC_7239 = {b"forwarded": b'for=a;proto=https;host="front.test", proto=http'}
FORWARDED = {
    "x": (PROXY, X_FORWARDED),
    "real ip": (TERSE, X_FORWARDED),
    "rfc 7239": (MODERN, RFC_7239),
}


def test_a_location_names_what_the_client_asked() -> None:
    told = Locations().manifest(request(HOST), "a/b", "t")
    assert told == "http://registry.test:5000/v2/a/b/manifests/t"


def test_a_location_is_secure_where_the_connection_is() -> None:
    told = Locations().blob(request(HOST, secure=True), "a", "sha256:0")
    assert told == "https://registry.test:5000/v2/a/blobs/sha256:0"


@pytest.mark.parametrize(("peer", "said"), FORWARDED.values(), ids=FORWARDED)
def test_a_trusted_proxy_is_believed(peer: Peer, said: dict[bytes, bytes]) -> None:
    told = Locations().blob(request(HOST | said, peer=peer), "a", "d")
    assert told == "https://front.test/v2/a/blobs/d"


@pytest.mark.parametrize(
    ("peer", "said"), [(PROXY, RFC_7239), (TERSE, RFC_7239), (MODERN, X_FORWARDED)]
)
def test_a_header_that_the_proxy_does_not_set_is_not_believed(
    peer: Peer, said: dict[bytes, bytes]
) -> None:
    """It comes from the client: proxies pass on what they do not know."""
    told = Locations().blob(request(HOST | said, peer=peer), "a", "d")
    assert told == "http://registry.test:5000/v2/a/blobs/d"


@pytest.mark.parametrize("said", [X_FORWARDED, RFC_7239])
def test_a_stranger_is_not_believed(said: dict[bytes, bytes]) -> None:
    told = Locations().blob(request(HOST | said), "a", "d")
    assert told == "http://registry.test:5000/v2/a/blobs/d"


@pytest.mark.parametrize(
    "said",
    [
        {b"x-forwarded-proto": b"gopher", b"x-forwarded-host": b"a b"},
        {b"x-forwarded-proto": b"", b"x-forwarded-host": b"a/b"},
        {b"x-forwarded-host": b'a">'},
        {b"x-forwarded-host": b"user@evil.test"},
        {b"forwarded": b"proto=gopher;host=a/b"},
        {b"forwarded": b"nonsense"},
        {b"forwarded": b""},
    ],
)
def test_nonsense_is_not_believed_from_anybody(said: dict[bytes, bytes]) -> None:
    for peer in PROXY, TERSE, MODERN:
        told = Locations().blob(request(HOST | said, peer=peer), "a", "d")
        assert told == "http://registry.test:5000/v2/a/blobs/d"


def test_the_first_of_several_proxies_counts() -> None:
    said = {
        b"x-forwarded-proto": b"https, http",
        b"x-forwarded-host": b"front.test, inner.test",
    }
    told = Locations().blob(request(HOST | said, peer=PROXY), "a", "d")
    assert told == "https://front.test/v2/a/blobs/d"


def test_a_configured_host_counts_whatever_anybody_says() -> None:
    locations = Locations(host="https://public.test", prefix="/r/")
    told = locations.blob(request(HOST | X_FORWARDED, peer=PROXY), "a", "d")
    assert told == "https://public.test/r/v2/a/blobs/d"


def test_relative_locations_are_paths() -> None:
    locations = Locations(prefix="/r/", are_relative=True)
    assert locations.blob(request(HOST), "a", "d") == "/r/v2/a/blobs/d"


def test_a_configured_host_counts_more_than_relative_locations() -> None:
    """As in Distribution."""
    locations = Locations(host="https://public.test", are_relative=True)
    told = locations.blob(request(HOST), "a", "d")
    assert told == "https://public.test/v2/a/blobs/d"


@pytest.mark.parametrize("headers", [{}, {b"host": b""}])
def test_without_a_host_a_location_is_a_path(headers: dict[bytes, bytes]) -> None:
    assert Locations().blob(request(headers), "a", "d") == "/v2/a/blobs/d"


def test_an_upload_carries_its_state() -> None:
    told = Locations(are_relative=True).upload(request(HOST), "a", "id", "a-_=\r\n&")
    assert told == "/v2/a/blobs/uploads/id?_state=a-_=%0D%0A%26"


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({}, "10.0.0.1"),
        ({"X-Forwarded-For": "198.51.100.7"}, "198.51.100.7"),
        ({"X-Forwarded-For": "198.51.100.7, 10.0.0.9"}, "198.51.100.7"),
        (
            {"X-Forwarded-For": "1.2.3.4, 198.51.100.7,fd00::1, 10.9.9.9"},
            "198.51.100.7",
        ),
        ({"X-Forwarded-For": "10.0.0.8, 10.0.0.9"}, "10.0.0.8"),
        ({"X-Forwarded-For": "198.51.100.7:4711"}, "198.51.100.7"),
        ({"X-Forwarded-For": "[2001:db8::1]:4711"}, "2001:db8::1"),
        ({"X-Forwarded-For": "2001:DB8:0::1"}, "2001:db8::1"),
        ({"X-Forwarded-For": "::ffff:198.51.100.7"}, "198.51.100.7"),
        ({"X-Forwarded-For": "198.51.100.7, unix:"}, "198.51.100.7"),
        ({"X-Forwarded-For": "6.6.6.6, unknown"}, "10.0.0.1"),
        ({"X-Forwarded-For": "6.6.6.6, unknown, 10.0.0.8"}, "10.0.0.8"),
        ({"X-Forwarded-For": "unknown", "X-Real-Ip": "198.51.100.8"}, "10.0.0.1"),
        ({"X-Real-Ip": "198.51.100.8"}, "10.0.0.1"),
        ({"Forwarded": "for=198.51.100.7"}, "10.0.0.1"),
        ({"X-Forwarded-For": "a" * 1000}, "10.0.0.1"),
        ({"X-Forwarded-For": ", " * 1000}, "10.0.0.1"),
        ({"X-Forwarded-For": "fe80::1%eth0"}, "10.0.0.1"),
    ],
)
def test_a_trusted_proxy_tells_who_its_client_is(
    headers: dict[str, str], address: str
) -> None:
    raw = {name.lower().encode(): value.encode() for name, value in headers.items()}
    assert client_address(request(raw, peer=PROXY)) == address


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"Forwarded": "for=198.51.100.7"}, "198.51.100.7"),
        ({"Forwarded": 'for="[2001:db8::1]:99"'}, "2001:db8::1"),
        (
            {"Forwarded": "For=1.2.3.4, for=198.51.100.7;by=x, for=10.1.1.1"},
            "198.51.100.7",
        ),
        ({"Forwarded": 'host="a, for=1.2.3.4";for=198.51.100.7'}, "198.51.100.7"),
        ({"Forwarded": "for=_hidden, for=unknown"}, "10.0.0.1"),
        ({"Forwarded": "for=_a", "X-Forwarded-For": "198.51.100.7"}, "10.0.0.1"),
        ({"X-Forwarded-For": "198.51.100.7"}, "10.0.0.1"),
        ({"Forwarded": "for=6.6.6.6, for=_hidden"}, "10.0.0.1"),
        (
            {"Forwarded": "for=198.51.100.7", "X-Forwarded-For": "198.51.100.9"},
            "198.51.100.7",
        ),
        ({"Forwarded": 'for="[2001:db8::1'}, "10.0.0.1"),
        ({"Forwarded": "=;,;=" * 1000}, "10.0.0.1"),
    ],
)
def test_a_proxy_tells_it_by_forwarded_where_that_is_configured(
    headers: dict[str, str], address: str
) -> None:
    raw = {name.lower().encode(): value.encode() for name, value in headers.items()}
    assert client_address(request(raw, peer=MODERN)) == address


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"X-Real-Ip": "198.51.100.8"}, "198.51.100.8"),
        ({"X-Real-Ip": "198.51.100.8", "X-Forwarded-For": "6.6.6.6"}, "198.51.100.8"),
        ({"X-Forwarded-For": "6.6.6.6"}, "10.0.0.1"),
        ({"X-Real-Ip": "localhost"}, "10.0.0.1"),
    ],
)
def test_a_proxy_tells_it_by_x_real_ip_where_that_is_configured(
    headers: dict[str, str], address: str
) -> None:
    raw = {name.lower().encode(): value.encode() for name, value in headers.items()}
    assert client_address(request(raw, peer=TERSE)) == address


def test_a_stranger_cannot_tell_who_it_is() -> None:
    said = {b"x-forwarded-for": b"198.51.100.7", b"x-real-ip": b"198.51.100.8"}
    assert client_address(request(said)) == "192.0.2.1"
