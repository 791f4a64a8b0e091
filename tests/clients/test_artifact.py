"""An artifact that refers to an image: found from the image, and pulled.

The first push is plain HTTP, as the clients that make artifacts do it.
Spec: distribution end-12, Pushing Manifests with Subject.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.testing.images import MANIFEST, Manifest, artifact, image
from registry.testing.programs import Command
from registry.testing.push import push
from registry.testing.servers import Server

NOTE = "application/vnd.example.note"


@pytest.fixture
def app(server: Server, name: str) -> Manifest:
    """An image that is in the registry."""
    pushed = image(name)
    push(server.client, name, "v1", pushed)
    return pushed


@pytest.fixture
def note(app: Manifest) -> Manifest:
    """An artifact about it, which is not."""
    return artifact(NOTE, b"built on a good day", subject=app)


def test_a_referrer_is_found_from_its_subject(
    server: Server, name: str, app: Manifest, note: Manifest
) -> None:
    answer = push(server.client, name, note.digest, note)

    assert answer.header("OCI-Subject") == str(app.digest)
    assert server.client.referrers(name, app.digest) == [
        {
            "mediaType": MANIFEST,
            "digest": str(note.digest),
            "size": len(note.content),
            "artifactType": NOTE,
        }
    ]


def test_skopeo_copies_an_artifact_and_it_is_found_again(
    skopeo: Command, server: Server, name: str, note: Manifest, app: Manifest
) -> None:
    push(server.client, name, "note", note)
    copy = f"{name}/copy"
    push(server.client, copy, "v1", app)

    plain = ("--src-tls-verify=false", "--dest-tls-verify=false", "--preserve-digests")
    source = f"docker://{server.address}/{name}:note"
    skopeo("copy", *plain, source, f"docker://{server.address}/{copy}:note")

    found = server.client.referrers(copy, app.digest)
    assert [entry["digest"] for entry in found] == [str(note.digest)]


def test_skopeo_pulls_an_artifact_byte_for_byte(
    skopeo: Command, server: Server, name: str, note: Manifest, tmp_path: Path
) -> None:
    push(server.client, name, "note", note)
    plain = ("--src-tls-verify=false", "--preserve-digests")

    skopeo(
        "copy", *plain, f"docker://{server.address}/{name}:note", f"dir:{tmp_path}/it"
    )

    assert (tmp_path / "it" / "manifest.json").read_bytes() == note.content
    for digest, content in note.blobs_by_digest().items():
        assert (tmp_path / "it" / digest.hex).read_bytes() == content


def test_containerd_fetches_an_artifact_byte_for_byte(
    ctr: Command, server: Server, name: str, repository: str, note: Manifest
) -> None:
    push(server.client, name, "note", note)

    ctr("content", "fetch", "--plain-http", f"{repository}:note")

    for digest, content in note.contents().items():
        assert ctr.output("content", "get", str(digest)) == content
