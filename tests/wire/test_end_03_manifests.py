"""Pulling manifests by tag and digest. Spec: distribution end-3."""

from __future__ import annotations

import pytest
from ends import (
    DELETE,
    NAME,
    Draft,
    Here,
    artifact,
    codes,
    image,
    index,
    now,
    push,
    put,
    to_json,
)

from registry.core.digest import Digest
from registry.core.mediatype import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
)
from registry.core.name import RepositoryName, Tag
from registry.storage.driver import Put, Remove
from registry.storage.layout import blob_data, revision_link, tag_current, tag_indexes
from registry.testing.client import Answer

PATH = f"/v2/{NAME}/manifests"


def docker_image(seed: str) -> bytes:
    """A Docker image manifest (schema 2) of the same parts as ``image(seed)``."""
    return image(seed, mediaType=DOCKER_MANIFEST).body


def push_docker_list(here: Here, *platforms: str) -> tuple[list[bytes], bytes]:
    """A Docker list of one image for each architecture, tagged ``list``."""
    children, entries = [], []
    for platform in platforms:
        draft = image(platform)
        push(here, draft)
        child = docker_image(platform)
        here.push_manifest(NAME, Digest.of(child), child, DOCKER_MANIFEST).expect(201)
        children.append(child)
        entries.append(
            {
                "mediaType": DOCKER_MANIFEST,
                "digest": str(Digest.of(child)),
                "size": len(child),
                "platform": {"os": "linux", "architecture": platform},
            }
        )
    body = to_json({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": entries})
    here.push_manifest(NAME, "list", body, DOCKER_LIST).expect(201)
    return children, body


@pytest.mark.parametrize("draft", [image("a"), index(image("a"), image("b"))])
def test_a_manifest_is_pulled_by_tag_and_by_digest(here: Here, draft: Draft) -> None:
    """end-3."""
    push(here, draft, "v1")
    for reference in ("v1", draft.digest):
        answer = here.manifest(NAME, reference).expect(200)
        assert answer.body == draft.body
        assert answer.header("Content-Type") == draft.media_type
        assert answer.header("Content-Length") == str(len(draft.body))
        assert answer.header("Docker-Content-Digest") == str(draft.digest)
        assert answer.header("ETag") == f'"{draft.digest}"'


@pytest.mark.parametrize("reference", ["v1", "digest"])
def test_head_of_a_manifest_mirrors_get(here: Here, reference: str) -> None:
    """end-3: containerd takes digest, type and size from it."""
    draft = image("a")
    push(here, draft, "v1")
    named = draft.digest if reference == "digest" else reference
    head = here.request("HEAD", f"{PATH}/{named}").expect(200)
    assert head.body == b""
    assert head.headers.items() == here.get(f"{PATH}/{named}").headers.items()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "reference",
    ["missing", str(Digest.of(b"never")), str(Digest.of(b"never", "sha512"))],
)
def test_a_manifest_that_was_never_pushed_is_unknown(
    here: Here, method: str, reference: str
) -> None:
    """end-3, code-7: in a repository with others and in one that is not there."""
    push(here, image("a"), "v1")
    for name in (NAME, "nowhere"):
        answer = here.request(method, f"/v2/{name}/manifests/{reference}").expect(404)
        assert method == "HEAD" or codes(answer) == ["MANIFEST_UNKNOWN"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize(
    "reference", ["sha256:baddigeststring", "md5:" + "0" * 32, "sha256:", ":"]
)
def test_what_is_no_digest_is_refused(here: Here, method: str, reference: str) -> None:
    """end-3, end-9, code-4."""
    answer = here.request(method, f"{PATH}/{reference}").expect(400)
    assert method == "HEAD" or codes(answer) == ["DIGEST_INVALID"]


@pytest.mark.parametrize("tag", ["-x", ".x", "a" * 129, "a+b", "%C3%A9"])
def test_what_is_no_tag_is_refused(here: Here, tag: str) -> None:
    """end-3."""
    assert codes(here.get(f"{PATH}/{tag}").expect(400)) == ["TAG_INVALID"]


def test_a_blob_is_no_manifest(here: Here) -> None:
    """end-3, code-7: what was pushed as a blob is pulled as one."""
    digest = here.push_blob(NAME, image("a").body)
    here.manifest(NAME, digest).expect(404)


# What the client takes.


def accepting(here: Here, reference: object, *lines: str) -> Answer:
    """GET with these lines of Accept."""
    pairs = [("Accept", line) for line in lines]
    answer = here.harness.request("GET", f"{PATH}/{reference}", headers=pairs)
    return Answer("GET", answer.status, dict(answer.headers), answer.body)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("",),
        ("*/*",),
        ("application/*",),
        ("text/html, */*;q=0.1",),
        (OCI_MANIFEST,),
        (OCI_INDEX, OCI_MANIFEST),
        (f"{DOCKER_MANIFEST};q=0.5,{OCI_MANIFEST};q=0.1",),
        (OCI_MANIFEST.upper(),),
        ("application/json", "*/*"),
    ],
)
def test_who_takes_anything_or_lists_the_type_gets_it(
    here: Here, lines: tuple[str, ...]
) -> None:
    """end-3: also curl and old tools, which Distribution answers with 404."""
    push(here, image("a"), "v1")
    assert accepting(here, "v1", *lines).expect(200).body == image("a").body


@pytest.mark.parametrize(
    "line", [DOCKER_MANIFEST, OCI_INDEX, "application/json", f"*/*, {OCI_MANIFEST};q=0"]
)
def test_who_does_not_take_an_oci_image_is_told_so(here: Here, line: str) -> None:
    """end-3, code-7, as Distribution."""
    push(here, image("a"), "v1")
    answer = here.get(f"{PATH}/v1", Accept=line).expect(404)
    assert codes(answer) == ["MANIFEST_UNKNOWN"]
    assert b"Accept" in answer.body


@pytest.mark.parametrize("line", [DOCKER_MANIFEST, OCI_MANIFEST, "text/plain"])
def test_indexes_and_docker_images_are_served_whatever_the_client_takes(
    here: Here, line: str
) -> None:
    """end-3, as Distribution 3."""
    draft = index(image("a"))
    push(here, draft, "v1")
    body = docker_image("a")
    here.push_manifest(NAME, "docker", body, DOCKER_MANIFEST).expect(201)
    assert here.get(f"{PATH}/v1", Accept=line).expect(200).body == draft.body
    assert here.get(f"{PATH}/docker", Accept=line).expect(200).body == body


def test_a_client_older_than_lists_gets_the_image_for_linux_on_amd64(
    here: Here,
) -> None:
    """A Docker list by tag, as Distribution; its digest is that of the image."""
    [_, amd64], _ = push_docker_list(here, "arm64", "amd64")
    answer = here.get(f"{PATH}/list", Accept=DOCKER_MANIFEST).expect(200)
    assert answer.body == amd64
    assert answer.header("Content-Type") == DOCKER_MANIFEST
    assert answer.header("Docker-Content-Digest") == str(Digest.of(amd64))


def test_a_client_that_takes_lists_gets_the_list(here: Here) -> None:
    """A Docker list by tag."""
    _, body = push_docker_list(here, "arm64", "amd64")
    for line in (DOCKER_LIST, "*/*", f"{DOCKER_MANIFEST}, {DOCKER_LIST}"):
        answer = here.get(f"{PATH}/list", Accept=line).expect(200)
        assert (answer.body, answer.header("Content-Type")) == (body, DOCKER_LIST)


def test_a_list_by_digest_is_what_was_asked_for(here: Here) -> None:
    """A Docker list by digest: nothing else has that digest."""
    _, body = push_docker_list(here, "amd64")
    answer = here.get(f"{PATH}/{Digest.of(body)}", Accept=DOCKER_MANIFEST).expect(200)
    assert answer.body == body


def test_a_list_without_that_image_is_unknown_to_an_old_client(here: Here) -> None:
    """A Docker list by tag, code-7."""
    push_docker_list(here, "arm64")
    answer = here.get(f"{PATH}/list", Accept=DOCKER_MANIFEST).expect(404)
    assert codes(answer) == ["MANIFEST_UNKNOWN"]


# What the client has.


@pytest.mark.parametrize("form", ['"{}"', "{}", 'W/"{}"', '"other", "{}"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_has_is_not_sent_again(
    here: Here, form: str, method: str
) -> None:
    """If-None-Match: 304, for a tag and for a digest. RFC 9110 13.1.2."""
    draft = image("a")
    push(here, draft, "v1")
    for reference in ("v1", draft.digest):
        lines = {"If-None-Match": form.format(draft.digest)}
        answer = here.request(method, f"{PATH}/{reference}", headers=lines).expect(304)
        assert (answer.body, answer.header("ETag")) == (b"", f'"{draft.digest}"')


def test_a_tag_that_has_moved_is_sent(here: Here) -> None:
    """If-None-Match."""
    push(here, image("a"), "v1")
    push(here, image("b"), "v1")
    lines = {"If-None-Match": f'"{image("a").digest}"'}
    answer = here.request("GET", f"{PATH}/v1", headers=lines).expect(200)
    assert answer.body == image("b").body


def damaged(here: Here, path: str, content: bytes) -> Here:
    """The same registry, started again after a file of it was damaged."""
    now(here.driver.apply([Put(path, content)]))
    here.configure(DELETE)
    return here


@pytest.mark.parametrize("content", [b"", b"sha256:12"])
@pytest.mark.parametrize("which", ["tag", "manifest", "content"])
def test_what_is_damaged_is_named_as_the_client_asked_for_it(
    here: Here, which: str, content: bytes
) -> None:
    """503, or 404 for what was set aside, without paths; a push mends it."""
    name, draft = RepositoryName(NAME), image("a")
    push(here, draft, "v1")
    path = {
        "tag": tag_current(name, Tag("v1")),
        "manifest": revision_link(name, draft.digest),
        "content": blob_data(draft.digest),
    }[which]
    now(here.driver.apply([Remove(tag_indexes(name, Tag("v1")))]))
    damaged(here, path, content)
    status = 404 if which == "content" else 503
    answer = here.manifest(NAME, "v1").expect(status)
    assert codes(answer) == ["MANIFEST_UNKNOWN" if which == "content" else "UNKNOWN"]
    assert status == 404 or b"the tag v1" in answer.body
    assert b"docker/registry" not in answer.body
    by_digest = here.manifest(NAME, draft.digest)
    assert by_digest.status == (200 if which == "tag" else status)
    assert by_digest.status == 200 or str(draft.digest).encode() in by_digest.body
    put(here, draft, "v1").expect(201)
    assert here.manifest(NAME, "v1").expect(200).body == draft.body


def test_damage_elsewhere_does_not_keep_a_manifest_from_being_deleted(
    here: Here,
) -> None:
    """end-9, end-12a: one bad file is one bad file."""
    subject, name = image("a"), RepositoryName(NAME)
    push(here, subject)
    other = artifact("b", "application/vnd.example", subject=subject.described())
    push(here, other, "bad")
    now(here.driver.apply([Put(revision_link(name, other.digest), b"")]))
    damaged(here, tag_current(name, Tag("bad")), b"")
    assert here.referrers(NAME, subject.digest) == []
    here.request("DELETE", f"{PATH}/{subject.digest}").expect(202)
    here.manifest(NAME, subject.digest).expect(404)


def test_a_deleted_manifest_is_unknown_also_to_who_has_it(here: Here) -> None:
    """If-None-Match does not hide it, as it does in Distribution."""
    draft = artifact("a", "application/vnd.example")
    push(here, draft)
    here.request("DELETE", f"{PATH}/{draft.digest}").expect(202)
    lines = {"If-None-Match": f'"{draft.digest}"'}
    here.request("GET", f"{PATH}/{draft.digest}", headers=lines).expect(404)
