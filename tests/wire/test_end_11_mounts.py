"""Mounting blobs from other repositories. Spec: distribution end-11."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from ends import ALGORITHMS, NAME, OTHER, Here, codes, image, push

from registry.auth.authenticator import NOBODY, Principal
from registry.core.digest import Digest
from registry.core.scope import Access
from registry.testing.client import Answer, Session

CONTENT = b"mounted " * 64

both_algorithms = pytest.mark.parametrize("algorithm", ALGORITHMS)


def mount(here: Here, digest: object, source: str | None, *, more: str = "") -> Answer:
    """POST that asks for a mount."""
    given = f"&from={source}" if source else ""
    target = f"/v2/{NAME}/blobs/uploads/?mount={digest}{given}{more}"
    return here.request("POST", target)


@pytest.mark.parametrize("source", [OTHER, OTHER.replace("/", "%2F"), None])
@both_algorithms
def test_a_blob_is_mounted(here: Here, source: str | None, algorithm: str) -> None:
    """end-11: 201 and where the blob is; also where the client does not know."""
    digest = here.push_blob(OTHER, CONTENT, algorithm=algorithm)
    answer = mount(here, digest, source).expect(201)
    assert answer.body == b""
    assert answer.header("Docker-Content-Digest") == str(digest)
    assert urlsplit(answer.header("Location")).path == f"/v2/{NAME}/blobs/{digest}"
    assert here.get(answer.header("Location")).expect(200).body == CONTENT


def test_a_mounted_blob_outlives_its_source(here: Here) -> None:
    """end-11, end-10."""
    digest = here.push_blob(OTHER, CONTENT)
    mount(here, digest, OTHER).expect(201)
    here.request("DELETE", f"/v2/{OTHER}/blobs/{digest}").expect(202)
    here.blob(OTHER, digest).expect(404)
    assert here.blob(NAME, digest).expect(200).body == CONTENT


def test_a_mounted_blob_may_be_mounted_again(here: Here) -> None:
    """end-11."""
    digest = here.push_blob(OTHER, CONTENT)
    for _ in range(2):
        mount(here, digest, OTHER).expect(201)
    mount(here, digest, NAME).expect(201)


@pytest.mark.parametrize("source", [OTHER, "nowhere", None])
@both_algorithms
def test_what_cannot_be_mounted_is_uploaded(
    here: Here, source: str | None, algorithm: str
) -> None:
    """end-11: 202 and a session, which goes on like any other."""
    here.push_blob(OTHER, b"something else")
    digest = Digest.of(CONTENT, algorithm)
    answer = mount(here, digest, source).expect(202)
    assert answer.header("Range") == "0-0"
    session = Session(client=here, location=answer.header("Location"))
    session.finish(digest, CONTENT).expect(201)
    assert here.blob(NAME, digest).expect(200).body == CONTENT


def test_an_unmounted_session_is_cancelled(here: Here) -> None:
    """end-11, end-14: podman and dockerd do that."""
    answer = mount(here, Digest.of(CONTENT), OTHER).expect(202)
    Session(client=here, location=answer.header("Location")).cancel().expect(204)


def test_a_mount_may_name_the_digest_twice(here: Here) -> None:
    """end-11: what cannot be mounted is uploaded in a second request."""
    digest = Digest.of(CONTENT)
    mount(here, digest, OTHER, more=f"&digest={digest}").expect(202)


def test_a_blob_of_a_repository_with_manifests_is_mounted(here: Here) -> None:
    """end-11."""
    draft = image("a")
    push(here, draft, "v1", name=OTHER)
    for blob in draft.blobs:
        mount(here, Digest.of(blob), None).expect(201)


def test_a_manifest_is_not_mounted_as_a_blob(here: Here) -> None:
    """end-11."""
    draft = image("a")
    push(here, draft, "v1", name=OTHER)
    mount(here, draft.digest, OTHER).expect(202)


def test_what_is_no_digest_is_refused(here: Here) -> None:
    """end-11, code-4."""
    assert codes(mount(here, "sha256:x", OTHER).expect(400)) == ["DIGEST_INVALID"]


def test_what_is_no_repository_is_refused(here: Here) -> None:
    """end-11, code-8."""
    answer = mount(here, Digest.of(CONTENT), "No/Name").expect(400)
    assert codes(answer) == ["NAME_INVALID"]


class ReadsOnly:
    """Lets everybody push, and pull what has this name."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def admit(
        self, authorization: str | None, access: tuple[Access, ...]
    ) -> Principal:
        del authorization, access
        return NOBODY

    async def may_read(self, principal: Principal, name: str) -> bool:
        del principal
        return name == self.name


@pytest.mark.parametrize(("name", "status"), [(OTHER, 201), ("another", 202)])
def test_a_mount_tells_nobody_what_they_may_not_read(
    here: Here, name: str, status: int
) -> None:
    """end-11 without ``from``: only repositories that the client may pull count."""
    digest = here.push_blob(OTHER, CONTENT)
    here.ask_for(ReadsOnly(name))
    mount(here, digest, None).expect(status)
