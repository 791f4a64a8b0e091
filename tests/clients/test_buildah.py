"""buildah builds an image and pushes it; podman pulls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.testing.programs import Command
from registry.testing.push import served
from registry.testing.servers import Server

PLAIN = "--tls-verify=false"


@pytest.fixture
def built(buildah: Command, context: str, repository: str) -> str:
    """A built image that is named for its repository."""
    tag = f"{repository}:v1"
    buildah("bud", "--isolation", "chroot", "--tag", tag, context)
    return tag


@pytest.mark.parametrize(("form", "kind"), [("oci", "oci.image"), ("v2s2", "docker")])
def test_a_built_image_is_pushed_and_pulled(
    form: str,
    kind: str,
    built: str,
    buildah: Command,
    podman: Command,
    server: Server,
    name: str,
    tmp_path: Path,
) -> None:
    digest_file = tmp_path / "digest"

    buildah("push", PLAIN, "--format", form, "--digestfile", str(digest_file), built)
    podman("pull", PLAIN, built)

    digest = digest_file.read_text().strip()
    answer = server.client.manifest(name, "v1").expect(200)
    assert kind in answer.header("Content-Type")
    assert answer.header("Docker-Content-Digest") == digest
    assert len(served(server.client, name, digest)) == 3
    told = podman("image", "inspect", "--format", "{{.Digest}} {{.Id}}", built).split()
    assert told == [digest, answer.json()["config"]["digest"].partition(":")[2]]


def test_layers_compressed_by_zstd_are_pushed_and_pulled(
    built: str, buildah: Command, podman: Command, server: Server, name: str
) -> None:
    buildah("push", PLAIN, "--format", "oci", "--compression-format", "zstd", built)
    podman("pull", PLAIN, built)

    layers = server.client.manifest(name, "v1").expect(200).json()["layers"]
    assert [layer["mediaType"].rpartition("+")[2] for layer in layers] == ["zstd"]
    assert len(served(server.client, name, "v1")) == 3


def test_buildah_starts_from_an_image_that_was_pushed(
    built: str, buildah: Command, name: str
) -> None:
    buildah("push", PLAIN, built)
    buildah("rmi", built)

    container = buildah("from", PLAIN, built).strip()
    mounted = Path(buildah("mount", container).strip())

    assert (mounted / "hello").read_text() == f"hello from {name}\n"
    buildah("umount", container)
