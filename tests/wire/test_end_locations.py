"""Where answers send clients: Location behind proxies, prefixes and other names.

Distribution's ``http.host``, ``http.prefix``, ``http.relativeurls`` and forwarded
headers (RFC 7239).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

import pytest
from ends import NAME, Here, codes, image, push

from registry.core.digest import Digest
from registry.testing.harness import Harness
from registry.testing.images import MANIFEST

CONTENT = b"located"
DIGEST = Digest.of(CONTENT)
PROXY = "198.51.100.1"


def begin(
    harness: Harness,
    headers: Mapping[str, str],
    *,
    path: str = "/v2/",
    host: str = PROXY,
) -> str:
    """The location of an upload that is begun from ``host``, up to the session."""
    target = f"{path}{NAME}/blobs/uploads/"
    answer = harness.request("POST", target, headers=headers, host=host)
    assert answer.status == 202
    return (answer.header("Location") or "").partition("/blobs/uploads/")[0]


def test_a_location_is_what_the_client_called_us(here: Here) -> None:
    """Scheme and Host of the request."""
    lines = {"Host": "registry.example:5001"}
    found = begin(here.harness, lines)
    assert found == f"http://registry.example:5001/v2/{NAME}"


def test_http_host_beats_what_the_client_said(here: Here) -> None:
    """``http.host``."""
    here.configure("storage: inmemory\nhttp: {host: https://hub.example}")
    lines = {"X-Forwarded-Host": "other.example"}
    assert begin(here.harness, lines) == f"https://hub.example/v2/{NAME}"


def test_relative_locations_are_paths(here: Here) -> None:
    """``http.relativeurls``."""
    here.configure("storage: inmemory\nhttp: {relativeurls: true}")
    assert begin(here.harness, {}) == f"/v2/{NAME}"
    push(here, image("a"), "v1")
    here.manifest(NAME, "v1").expect(200)


def test_all_paths_are_below_the_prefix(here: Here) -> None:
    """``http.prefix``: requests, locations and links."""
    here.configure("storage: inmemory\nhttp: {prefix: /hub/, relativeurls: true}")
    assert begin(here.harness, {}, path="/hub/v2/") == f"/hub/v2/{NAME}"
    here.get("/hub/v2/").expect(200)
    here.get("/v2/").expect(404)
    answer = here.request(
        "POST", f"/hub/v2/{NAME}/blobs/uploads/?digest={DIGEST}", body=CONTENT
    ).expect(201)
    assert answer.header("Location") == f"/hub/v2/{NAME}/blobs/{DIGEST}"
    assert here.get(answer.header("Location")).expect(200).body == CONTENT
    body = image("a", config=("a/b", CONTENT), layers=[]).body
    for tag in ("v1", "v2"):
        target = f"/hub/v2/{NAME}/manifests/{tag}"
        lines = {"Content-Type": MANIFEST}
        answer = here.request("PUT", target, body=body, headers=lines).expect(201)
    path = f"/hub/v2/{NAME}/manifests/{Digest.of(body)}"
    assert answer.header("Location") == path
    answer = here.get(f"/hub/v2/{NAME}/tags/list?n=1").expect(200)
    assert answer.header("Link").startswith(f"</hub/v2/{NAME}/tags/list?last=v1&n=1>")
    assert codes(here.get("/hub/v2/x/y").expect(404)) == ["UNSUPPORTED"]


FORWARDED = [
    ({"X-Forwarded-Proto": "https"}, "https://registry.test"),
    (
        {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "hub.example"},
        "https://hub.example",
    ),
    ({"X-Forwarded-Host": "hub.example:8443, inner"}, "http://hub.example:8443"),
    ({"Forwarded": "proto=https;host=hub.example"}, "https://hub.example"),
    ({"Forwarded": 'for=1.2.3.4;HOST="[::1]:5000";Proto=HTTPS'}, "https://[::1]:5000"),
    (
        {"Forwarded": "host=one.example, host=two.example;proto=https"},
        "http://one.example",
    ),
    (
        {"Forwarded": "proto=https", "X-Forwarded-Host": "hub.example"},
        "https://registry.test",
    ),
    ({"X-Forwarded-Proto": "javascript"}, "http://registry.test"),
    ({"X-Forwarded-Host": "evil/../x"}, "http://registry.test"),
]


@pytest.mark.parametrize(("lines", "origin"), FORWARDED)
def test_a_trusted_proxy_tells_what_the_client_called_it(
    lines: dict[str, str], origin: str
) -> None:
    """By the headers that are configured, whatever else the client sends."""
    told_by = b"forwarded" if "Forwarded" in lines else b"x-forwarded-for"
    harness = Harness(
        trusted=[ipaddress.ip_network("198.51.100.0/24")], told_by=told_by
    )
    assert begin(harness, lines) == f"{origin}/v2/{NAME}"


def test_a_client_behind_a_proxy_cannot_send_itself_elsewhere() -> None:
    """Proxies that set X-Forwarded-Proto alone pass Forwarded on."""
    harness = Harness(trusted=[ipaddress.ip_network("198.51.100.0/24")])
    lines = {"X-Forwarded-Proto": "https", "Forwarded": "proto=http;host=evil.example"}
    assert begin(harness, lines) == f"https://registry.test/v2/{NAME}"


@pytest.mark.parametrize(("lines", "origin"), FORWARDED)
def test_nobody_else_can_send_clients_elsewhere(
    lines: dict[str, str], origin: str
) -> None:
    """Forwarded headers of strangers are not believed."""
    del origin
    harness = Harness(trusted=[ipaddress.ip_network("198.51.100.0/24")])
    found = begin(harness, lines, host="203.0.113.9")
    assert found == f"http://registry.test/v2/{NAME}"
