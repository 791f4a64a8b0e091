"""Refusals: their status, their code, and a body that says what to do.

Spec: distribution, Error Codes; Distribution's read-only mode and OPTIONS.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from ends import DELETE, NAME, Here, codes, image, push, started

from registry.auth.authenticator import Challenged, Principal
from registry.core.digest import Digest
from registry.core.errors import Denied
from registry.core.scope import Access
from registry.storage.driver import Change, StorageFailure, StorageFull
from registry.storage.memory import MemoryDriver
from registry.testing.client import Answer

DIGEST = Digest.of(b"never")
METHODS = {
    "/v2/": {"GET", "HEAD"},
    "/v2/_catalog": {"GET", "HEAD"},
    f"/v2/{NAME}/tags/list": {"GET", "HEAD"},
    f"/v2/{NAME}/manifests/v1": {"GET", "HEAD", "PUT", "DELETE"},
    f"/v2/{NAME}/blobs/{DIGEST}": {"GET", "HEAD", "DELETE"},
    f"/v2/{NAME}/blobs/uploads/": {"POST"},
    f"/v2/{NAME}/blobs/uploads/x": {"GET", "HEAD", "PATCH", "PUT", "DELETE"},
    f"/v2/{NAME}/referrers/{DIGEST}": {"GET", "HEAD"},
    f"/v2/{NAME}/": {"DELETE"},
}
READING = {"GET", "HEAD"}
ALL = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}


@pytest.mark.parametrize(
    "path",
    [
        "/v2/x",
        "/v2/a/b/c",
        "/v2/a/tags",
        "/v2/a/tags/other",
        "/v2/a/manifests/b/c/d",
        "/v2/%FF/tags/list",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_where_nothing_is_the_answer_is_404(here: Here, path: str, method: str) -> None:
    """code-13: JSON, where Distribution sends plain text."""
    assert codes(here.request(method, path).expect(404)) == ["UNSUPPORTED"]


@pytest.mark.parametrize(
    "path",
    [
        "/v2/a%2Fb/tags/list",
        "/v2/a/manifests/x%2fy",
        "/v2//tags/list",
        "/v2/a//tags/list",
        "/v2//",
        "/v2/a/manifests/..",
        "/v2/a/./tags/list",
        f"/v2/{NAME}/blobs/uploads/..",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_path_that_others_may_read_otherwise_is_400(
    here: Here, path: str, method: str
) -> None:
    """code-8: a proxy may join, split or walk up what we would not."""
    assert codes(here.request(method, path).expect(400)) == ["NAME_INVALID"]


@pytest.mark.parametrize("path", METHODS)
@pytest.mark.parametrize("method", sorted(ALL))
def test_what_cannot_be_done_there_is_405(here: Here, path: str, method: str) -> None:
    """code-13: and Allow says what can. RFC 9110 15.5.6."""
    answer = here.request(method, path)
    assert (answer.status == 405) is (method not in METHODS[path])
    if answer.status == 405:
        assert method == "HEAD" or codes(answer) == ["UNSUPPORTED"]
        allowed = set(answer.header("Allow").split(", "))
        assert allowed == METHODS[path] | {"OPTIONS"}


@pytest.mark.parametrize(
    "name",
    ["UPPER", "a..b", "a//b", "-a", "a-", "a___b", "a b", "%C3%A9", "a/" * 130 + "a"],
)
def test_what_is_no_repository_name_is_refused(here: Here, name: str) -> None:
    """code-8: also one of more than 255 characters, where Distribution fails."""
    target = f"/v2/{name.replace(' ', '%20')}"
    for path in ("tags/list", "manifests/v1", f"blobs/{DIGEST}", f"referrers/{DIGEST}"):
        answer = here.get(f"{target}/{path}").expect(400)
        assert codes(answer) == ["NAME_INVALID"]
    answer = here.request("POST", f"{target}/blobs/uploads/").expect(400)
    assert codes(answer) == ["NAME_INVALID"]


@pytest.mark.parametrize(
    "name", ["a", "a/b/c/d/e/f", "tags/list", "a/manifests/b", "blobs", "x__y/z--1.2"]
)
def test_any_valid_name_is_a_repository(here: Here, name: str) -> None:
    """end-3 and others: also names of the words in our own paths."""
    push(here, image("a"), "v1", name=name)
    assert here.tags(name) == ["v1"]
    assert here.catalog() == [name]


# OPTIONS.


@pytest.mark.parametrize("path", METHODS)
def test_options_tells_what_can_be_done(here: Here, path: str) -> None:
    """RFC 9110 9.3.7."""
    answer = here.request("OPTIONS", path).expect(200)
    assert set(answer.header("Allow").split(", ")) == METHODS[path] | {"OPTIONS"}
    assert (answer.body, answer.header("Content-Length")) == (b"", "0")


# Who asks.


class Closed:
    """Admits nobody: who is unknown is asked, who is known is turned away."""

    async def admit(
        self, authorization: str | None, access: tuple[Access, ...]
    ) -> Principal:
        del access
        if authorization is None:
            raise Challenged('Basic realm="here"')
        raise Denied

    async def may_read(self, principal: Principal, name: str) -> bool:
        del principal, name
        return False


@pytest.mark.parametrize("path", METHODS)
def test_who_is_unknown_is_asked_who_they_are(here: Here, path: str) -> None:
    """code-11: 401 with a challenge, before anything is looked at."""
    here.ask_for(Closed())
    for method in METHODS[path]:
        answer = here.request(method, path).expect(401)
        assert answer.header("WWW-Authenticate") == 'Basic realm="here"'
        assert method == "HEAD" or codes(answer) == ["UNAUTHORIZED"]


def test_who_may_not_is_told_so(here: Here) -> None:
    """code-12: 403."""
    here.ask_for(Closed())
    answer = here.get("/v2/_catalog", Authorization="Basic x").expect(403)
    assert codes(answer) == ["DENIED"]


@pytest.mark.parametrize("path", METHODS)
def test_options_asks_nobody_who_they_are(here: Here, path: str) -> None:
    """A browser's preflight carries no credentials."""
    here.ask_for(Closed())
    here.request("OPTIONS", path).expect(200)


def test_a_refused_push_writes_nothing(here: Here) -> None:
    """code-11."""
    here.ask_for(Closed())
    here.request("POST", f"/v2/{NAME}/blobs/uploads/", body=b"x").expect(401)
    here.request("PUT", f"/v2/{NAME}/manifests/v1", body=b"{}").expect(401)
    assert here.files() == []


# Read-only.


@pytest.mark.parametrize("path", METHODS)
def test_a_read_only_registry_takes_nothing(here: Here, path: str) -> None:
    """``storage.maintenance.readonly``, code-13: 405 for all that writes."""
    options = "inmemory: {}, delete: {enabled: true}"
    secret = "\nhttp: {secret: the same}"
    here.configure(f"storage: {{{options}}}{secret}")
    draft = image("a")
    push(here, draft, "v1")
    location = started(here).location
    readonly = "maintenance: {readonly: {enabled: true}}"
    here.configure(f"storage: {{{options}, {readonly}}}{secret}")
    for method in METHODS[path] - READING:
        answer = here.request(method, path, body=b"x").expect(405)
        assert codes(answer) == ["UNSUPPORTED"]
        assert b"read-only" in answer.body
        assert set(answer.header("Allow").split(", ")) <= READING | {"OPTIONS"}
    assert here.manifest(NAME, "v1").expect(200).body == draft.body
    here.get(location).expect(204)


def test_a_registry_that_takes_writes_again_goes_on(here: Here) -> None:
    """``storage.maintenance.readonly`` is no trap for uploads that are under way."""
    session = started(here)
    session.append(b"12345").expect(202)
    here.configure("storage: {inmemory: {}, maintenance: {readonly: {enabled: true}}}")
    session.append(b"67890").expect(405)
    here.configure(DELETE)
    session.append(b"67890", start=5).expect(202)
    session.commit(b"1234567890")


# When the registry itself fails.


class Failing(MemoryDriver):
    """A driver that can be read and not changed."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def apply(self, changes: Sequence[Change]) -> None:
        del changes
        raise self.error


def failing(error: Exception) -> Answer:
    """The answer to a push when storage fails like this."""
    here = Here()
    here.driver = Failing(error)
    here.configure(DELETE)
    session = started(here)
    return session.finish(Digest.of(b"content"), b"content")


def test_a_full_disk_is_told_to_the_client() -> None:
    """507: not the client's fault, and no use to try again at once."""
    answer = failing(StorageFull("no space left on /secret/path")).expect(507)
    assert codes(answer) == ["UNKNOWN"]
    assert b"full" in answer.body
    assert b"secret" not in answer.body


def test_a_failing_disk_is_not_taken_for_an_empty_one() -> None:
    """503: a client may try again; the log says what it is, the answer does not."""
    answer = failing(StorageFailure("cannot write /secret/path")).expect(503)
    assert codes(answer) == ["UNKNOWN"]
    assert b"secret" not in answer.body


def test_a_bug_is_an_answer_too() -> None:
    """500: named so that it is found in the log, and without a traceback."""
    answer = failing(RuntimeError("secret")).expect(500)
    assert codes(answer) == ["UNKNOWN"]
    assert re.search(rb"see [0-9a-f]+-[0-9a-f]+ in its log", answer.body)
    assert b"secret" not in answer.body


# Every refusal.


def test_head_of_a_refusal_has_no_body(here: Here) -> None:
    """RFC 9110 9.3.2: but the headers of GET."""
    path = f"/v2/{NAME}/manifests/v1"
    head, get = here.request("HEAD", path).expect(404), here.get(path)
    assert head.body == b""
    assert head.headers.items() == get.headers.items()


def test_a_message_never_repeats_what_could_break_a_page(here: Here) -> None:
    """Whatever is asked for, the body stays JSON in ASCII."""
    for text in ("%3Cscript%3E", "%22%0A", "%E2%80%A8"):
        answer = here.get(f"/v2/{NAME}/manifests/{text}").expect(400)
        assert codes(answer) == ["TAG_INVALID"]
        assert answer.body.isascii()
        assert b"<script>" not in answer.body


@pytest.mark.parametrize("query", ["ns=docker.io", "x", "%", "&&=&", "n=%FF"])
def test_parameters_that_mean_nothing_here_are_ignored(here: Here, query: str) -> None:
    """containerd sends ``ns`` to mirrors."""
    draft = image("a")
    push(here, draft, "v1")
    digest = Digest.of(draft.blobs[0])
    here.get(f"/v2/{NAME}/manifests/v1?{query}").expect(200)
    here.get(f"/v2/{NAME}/blobs/{digest}?{query}").expect(200)
