"""Bounds of the API that an operator sets, and the status that answers each."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from exchanges import NAME, begin, get, push
from twisted.logger import capturedLogs, formatEvent

from registry.core.digest import Digest
from registry.core.mediatype import OCI_MANIFEST
from registry.storage.driver import Remove
from registry.testing import images
from registry.testing.answers import Answer
from registry.testing.harness import DELETING, Harness, calm_harness
from registry.testing.images import Manifest
from registry.testing.results import result_of

UPLOADS = f"/v2/{NAME}/blobs/uploads/"


def harness(options: str) -> Harness:
    return Harness(options=f"{DELETING}{options}")


def limited(limits: str) -> str:
    """Options with ``http.limits``."""
    http = "http: {secret: for tests"
    return DELETING.replace(http, f"{http}, limits: {{{limits}}}")


def put_manifest(harness: Harness, body: bytes, reference: str = "t") -> Answer:
    return harness.request(
        "PUT",
        f"/v2/{NAME}/manifests/{reference}",
        headers={"Content-Type": json.loads(body)["mediaType"]},
        body=body,
    )


def image(harness: Harness, seed: str = "") -> Manifest:
    """An image that is there."""
    found = images.image(seed)
    for blob in found.blobs:
        push(harness, blob)
    assert put_manifest(harness, found.content, str(found.digest)).status == 201
    return found


def index(*children: Manifest) -> Manifest:
    return images.index(children)


# Uploads.


def stored(registry: Harness) -> str:
    """A new upload that has a byte, so that there are files of it."""
    session = begin(registry)
    assert registry.request("PATCH", session, body=b"x").status == 202
    return session


def test_an_upload_too_many_in_a_repository_is_answered_429() -> None:
    registry = Harness(options=limited("uploadsperrepository: 3"))
    sessions = [begin(registry) for _ in range(3)]
    answer = registry.request("POST", UPLOADS)
    assert (answer.status, answer.code) == (429, "TOOMANYREQUESTS")
    assert answer.header("retry-after") == "5"
    assert "in this repository" in answer.json["errors"][0]["message"]
    assert registry.request("POST", "/v2/other/blobs/uploads/").status == 202
    assert registry.request("DELETE", sessions[0]).status == 204
    assert registry.request("POST", UPLOADS).status == 202


def test_an_upload_too_many_in_all_is_answered_429() -> None:
    registry = Harness(options=limited("uploads: 3"))
    for name in "abc":
        begin(registry, name=name)
    answer = registry.request("POST", UPLOADS)
    assert (answer.status, answer.code) == (429, "TOOMANYREQUESTS")
    digest = Digest.of(b"whole")
    answer = registry.request("POST", f"{UPLOADS}?digest={digest}", body=b"whole")
    assert answer.status == 429


@pytest.mark.parametrize("ending", ["commit", "wrong digest", "whole", "repository"])
def test_uploads_that_are_over_do_not_count(ending: str) -> None:
    registry = Harness(options=limited("uploads: 2"))
    for _ in range(5):
        if ending == "whole":
            push(registry, b"content")
            continue
        session = stored(registry)
        if ending == "repository":
            assert registry.request("DELETE", f"/v2/{NAME}/").status == 202
            continue
        digest = Digest.of(b"x" if ending == "commit" else b"other")
        status = registry.request("PUT", f"{session}?digest={digest}").status
        assert status == (201 if ending == "commit" else 400)


def test_uploads_of_before_a_restart_count_when_they_matter() -> None:
    before = harness("")
    for _ in range(70):
        stored(before)
    after = Harness(options=limited("uploadsperrepository: 100"), driver=before.driver)
    after._sessions = 1000
    for _ in range(50):
        stored(after)
    assert after.request("POST", UPLOADS).status == 429


def test_uploads_that_vanished_are_looked_for_before_one_is_refused() -> None:
    registry = Harness(options=limited("uploadsperrepository: 3"))
    sessions = [stored(registry) for _ in range(3)]
    identity = sessions[0].rpartition("/")[2]
    place = f"docker/registry/v2/repositories/{NAME}/_uploads/{identity}"
    result_of(registry.driver.apply([Remove(place)]))
    assert registry.request("POST", UPLOADS).status == 202
    assert registry.request("POST", UPLOADS).status == 429


# Manifests.


def test_indexes_lie_inside_each_other_as_deep_as_the_operator_says() -> None:
    registry = harness(
        "validation: {manifests: {indexes: {depthlimit: 3}}}\n",
    )
    body = image(registry)
    for _ in range(3):
        body = index(body)
        assert put_manifest(registry, body.content).status == 201
    answer = put_manifest(registry, index(body).content)
    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")
    assert "3 levels" in answer.json["errors"][0]["message"]
    side = index(image(registry, "other"), body)
    assert put_manifest(registry, side.content).status == 400


def test_the_depth_of_an_index_is_remembered_across_a_restart() -> None:
    options = f"{DELETING}validation: {{manifests: {{indexes: {{depthlimit: 2}}}}}}\n"
    before = Harness(options=options)
    body = index(index(image(before)))
    assert put_manifest(before, index(image(before)).content).status == 201
    assert put_manifest(before, body.content).status == 201
    after = Harness(options=options, driver=before.driver)
    assert put_manifest(after, index(body).content).status == 400
    assert put_manifest(after, body.content).status == 201


def test_an_index_may_name_what_is_not_here_where_that_is_allowed() -> None:
    registry = harness("validation: {disabled: true}\n")
    absent = index()
    assert put_manifest(registry, index(absent).content).status == 201


def test_json_may_nest_as_deep_as_the_operator_says() -> None:
    registry = harness("validation: {manifests: {depthlimit: 5}}\n")
    deep = json.loads(image(registry).content)
    deep["x"] = [[[[1]]]]
    assert put_manifest(registry, json.dumps(deep).encode()).status == 201
    deep["x"] = [[[[[1]]]]]
    answer = put_manifest(registry, json.dumps(deep).encode())
    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")
    assert "5 levels" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 3_000_000,
        b'{"a":' * 700_000,
        b'{"a":[' + b"[]," * 1_000_000 + b"[]]}",
        b"{" + b",".join(b'"%d":0' % n for n in range(250_000)) + b"}",
        b'{"a":%s}' % (b"9" * 1_000_000),
        b'{"a":1e%s}' % (b"9" * 1_000_000),
        b'{"a":"%s"}' % (b"\\ud800" * 600_000),
        b'{"a":"' + b"\xff" * 1_000_000 + b'"}',
    ],
    ids=["deep", "objects", "wide", "keys", "number", "power", "halves", "no text"],
)
def test_hostile_json_is_answered_400(body: bytes) -> None:
    with calm_harness() as registry:
        path = f"/v2/{NAME}/manifests/t"
        headers = {"Content-Type": OCI_MANIFEST}
        answer = registry.request("PUT", path, headers=headers, body=body)
        assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd", "gzip, gzip"])
def test_content_is_never_decoded_on_a_clients_word(coding: str) -> None:
    """A bomb of a kilobyte stays one: digests are of the bytes that are sent."""
    bomb = gzip.compress(b" " * 10_000_000)
    registry = harness("")
    answer = registry.request(
        "PUT",
        f"/v2/{NAME}/manifests/t",
        headers={"Content-Type": OCI_MANIFEST, "Content-Encoding": coding},
        body=bomb,
    )
    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")
    answer = registry.request(
        "POST",
        f"{UPLOADS}?digest={Digest.of(bomb)}",
        headers={"Content-Encoding": coding},
        body=bomb,
    )
    assert answer.status == 201
    path = f"/v2/{NAME}/blobs/{Digest.of(bomb)}"
    assert registry.request("GET", path).body == bomb


# Names.


def test_the_names_that_are_pushed_are_as_long_as_the_operator_says() -> None:
    registry = harness("validation: {namelimit: 8, taglimit: 4}\n")
    assert registry.request("POST", UPLOADS).status == 202  # team/app
    answer = registry.request("POST", "/v2/team/apps/blobs/uploads/")
    assert (answer.status, answer.code) == (400, "NAME_INVALID")
    named = image(registry)
    body = named.content
    assert put_manifest(registry, body, "long").status == 201
    answer = put_manifest(registry, body, "longs")
    assert (answer.status, answer.code) == (400, "TAG_INVALID")
    answer = put_manifest(registry, body, f"{named.digest}?tag=a&tag=longs")
    assert (answer.status, answer.code) == (400, "TAG_INVALID")


def test_longer_names_of_before_can_be_read_and_deleted() -> None:
    before = harness("")
    put_manifest(before, image(before).content, "longer")
    after = Harness(
        options=f"{DELETING}validation: {{namelimit: 1, taglimit: 1}}\n",
        driver=before.driver,
    )
    path = f"/v2/{NAME}/manifests/longer"
    assert after.request("GET", path).status == 200
    assert after.request("DELETE", path).status == 202


# Ranges.


def test_more_ranges_than_the_operator_allows_are_ignored() -> None:
    registry = Harness(options=limited("ranges: 2"))
    path = push(registry, b"0123456789")

    def asked(ranges: str) -> int:
        headers = {"Range": f"bytes={ranges}"}
        return registry.request("GET", path, headers=headers).status

    assert asked("0-0,2-2") == 206
    assert asked("0-0,2-2,4-4") == 200
    assert asked(",".join(["0-"] * 1000)) == 200


# TLS where there is none.

HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)


@pytest.mark.parametrize("pieces", [1, 11, 600])
def test_tls_on_the_plain_port_is_told_so_and_logged_once(pieces: int) -> None:
    registry = harness("")
    size = -(-len(HELLO) // pieces)
    with capturedLogs() as events:
        for _ in range(3):
            client = registry.connect()
            client.send(*[HELLO[i : i + size] for i in range(0, len(HELLO), size)])
            [answer] = client.answers()
            assert answer.status == 400
            assert b"this port speaks plain HTTP" in answer.body
            assert answer.closes
        registry.connect(host="192.0.2.2").send(HELLO)
    lines = [formatEvent(event) for event in events]
    assert len(lines) == 2
    assert re.match(r"192\.0\.2\.1 speaks TLS to this port", lines[0] or "")


def test_the_byte_of_tls_after_a_request_is_no_tls() -> None:
    registry = harness("")
    answers = registry.exchange(get() + HELLO)
    assert [one.status for one in answers] == [200, 501]
