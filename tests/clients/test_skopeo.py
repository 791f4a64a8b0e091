"""skopeo copies, lists, inspects and deletes; umoci makes what it copies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.core.digest import Digest
from registry.testing.images import Manifest, image, platforms, write_layout
from registry.testing.programs import Command, ProgramError
from registry.testing.push import missing, push, served
from registry.testing.servers import Server

PUSH = ("copy", "--dest-tls-verify=false", "--all", "--preserve-digests")
PULL = ("copy", "--src-tls-verify=false", "--all", "--preserve-digests")


def contents(layout: Path) -> dict[Digest, bytes]:
    """The blobs of an OCI layout, by the digest that their file name says."""
    blobs = (layout / "blobs" / "sha256").iterdir()
    return {Digest("sha256", blob.name): blob.read_bytes() for blob in blobs}


@pytest.mark.parametrize(
    "app", [image("hello"), platforms("hello")], ids=["image", "list"]
)
def test_an_image_comes_back_byte_for_byte(
    app: Manifest, skopeo: Command, server: Server, name: str, tmp_path: Path
) -> None:
    pushed, pulled = tmp_path / "pushed", tmp_path / "pulled"
    write_layout(str(pushed), {"v1": app})
    remote = f"docker://{server.address}/{name}:v1"

    skopeo(*PUSH, f"oci:{pushed}:v1", remote)
    skopeo(*PULL, remote, f"oci:{pulled}:v1")

    assert missing(server.client, name, app) == []
    assert contents(pulled) == app.contents()


def test_a_docker_schema_2_image_comes_back(
    skopeo: Command, server: Server, name: str, tmp_path: Path
) -> None:
    layout, pulled = tmp_path / "layout", tmp_path / "pulled"
    write_layout(str(layout), {"v1": image("hello")})
    remote = f"docker://{server.address}/{name}:v1"
    to_schema_2 = ("copy", "--dest-tls-verify=false", "--format", "v2s2")

    skopeo(*to_schema_2, f"oci:{layout}:v1", remote)
    skopeo(*PULL, remote, f"dir:{pulled}")

    answer = server.client.manifest(name, "v1").expect(200)
    assert answer.header("Content-Type").endswith(
        "docker.distribution.manifest.v2+json"
    )
    assert (pulled / "manifest.json").read_bytes() == answer.body
    for digest, content in served(server.client, name, "v1").items():
        if digest != Digest.of(answer.body):
            assert (pulled / digest.hex).read_bytes() == content


def test_a_copy_between_repositories_mounts_its_blobs(
    skopeo: Command, server: Server, name: str
) -> None:
    app = platforms(name)
    push(server.client, name, "v1", app)

    source = f"docker://{server.address}/{name}:v1"
    target = f"docker://{server.address}/{name}/copy:v1"
    skopeo(*PUSH, "--src-tls-verify=false", source, target)

    assert missing(server.client, f"{name}/copy", app) == []


def test_inspect_tells_the_digest(skopeo: Command, server: Server, name: str) -> None:
    app = image(name)
    push(server.client, name, "v1", app)
    remote = f"docker://{server.address}/{name}:v1"

    told = json.loads(skopeo("inspect", "--tls-verify=false", remote))
    raw = skopeo.output("inspect", "--tls-verify=false", "--raw", remote)

    assert told["Digest"] == str(app.digest)
    assert told["RepoTags"] == ["v1"]
    assert raw == app.content


def test_tags_are_listed(skopeo: Command, server: Server, name: str) -> None:
    for tag in ("v2", "v10", "latest"):
        push(server.client, name, tag, image(tag))

    listed = skopeo(
        "list-tags", "--tls-verify=false", f"docker://{server.address}/{name}"
    )

    assert sorted(json.loads(listed)["Tags"]) == ["latest", "v10", "v2"]


def test_a_deleted_image_is_gone_and_others_stay(
    skopeo: Command, server: Server, name: str
) -> None:
    kept = image("kept")
    push(server.client, name, "kept", kept)
    push(server.client, name, "dropped", image("dropped"))
    remote = f"docker://{server.address}/{name}:dropped"

    skopeo("delete", "--tls-verify=false", remote)

    with pytest.raises(ProgramError, match="manifest unknown"):
        skopeo("inspect", "--tls-verify=false", remote)
    assert server.client.tags(name) == ["kept"]
    assert missing(server.client, name, kept) == []


def test_an_image_made_by_umoci_comes_back(
    skopeo: Command, umoci: Command, server: Server, name: str, tmp_path: Path
) -> None:
    made, pulled = tmp_path / "made", tmp_path / "pulled"
    hello = tmp_path / "hello"
    hello.write_text("hello\n")
    umoci("init", "--layout", str(made))
    umoci("new", "--image", f"{made}:v1")
    umoci("insert", "--image", f"{made}:v1", str(hello), "/hello")
    umoci("gc", "--layout", str(made))
    remote = f"docker://{server.address}/{name}:v1"

    skopeo(*PUSH, f"oci:{made}:v1", remote)
    skopeo(*PULL, remote, f"oci:{pulled}:v1")

    assert contents(pulled) == contents(made) == served(server.client, name, "v1")
    assert umoci("ls", "--layout", str(pulled)).split() == ["v1"]
