"""containerd pulls and pushes, driven by ctr."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from registry.testing.images import Manifest, image, index, platforms, write_layout
from registry.testing.programs import Command
from registry.testing.push import missing, push
from registry.testing.servers import Server

PULL = ("images", "pull", "--plain-http", "--snapshotter", "native")
PUSH = ("images", "push", "--plain-http")


def has(ctr: Command, manifest: Manifest) -> bool:
    """Whether containerd's store holds all of a manifest, byte for byte."""
    return all(
        ctr.output("content", "get", str(digest)) == content
        for digest, content in manifest.contents().items()
    )


def test_an_image_is_pulled_byte_for_byte(
    ctr: Command, server: Server, name: str, repository: str
) -> None:
    app = image(name)
    push(server.client, name, "v1", app)

    ctr(*PULL, f"{repository}:v1")

    assert has(ctr, app)


def test_an_image_is_pulled_by_digest(
    ctr: Command, server: Server, name: str, repository: str
) -> None:
    app = image(name)
    push(server.client, name, app.digest, app)

    ctr(*PULL, f"{repository}@{app.digest}")

    assert has(ctr, app)


@pytest.mark.parametrize(
    "app",
    [platforms("hello"), index([platforms("inner"), image("outer")])],
    ids=["list", "nested"],
)
def test_all_architectures_are_fetched_byte_for_byte(
    app: Manifest, ctr: Command, server: Server, name: str, repository: str
) -> None:
    push(server.client, name, "v1", app)

    ctr("content", "fetch", "--plain-http", "--all-platforms", f"{repository}:v1")

    assert has(ctr, app)


def test_one_object_is_fetched(
    ctr: Command, server: Server, name: str, repository: str
) -> None:
    app = image(name)
    push(server.client, name, "v1", app)

    fetched = ctr.output("content", "fetch-object", "--plain-http", f"{repository}:v1")

    assert app.content in fetched


def test_a_multi_architecture_image_is_pushed(
    ctr: Command, server: Server, name: str, repository: str, tmp_path: Path
) -> None:
    app = platforms(name)
    archive = _import_archive(tmp_path, app)
    import_ = ("images", "import", "--all-platforms", "--no-unpack")
    ctr(*import_, "--base-name", repository, archive)

    ctr(*PUSH, f"{repository}:v1")

    assert server.client.manifest(name, "v1").expect(200).body == app.content
    assert missing(server.client, name, app) == []


def test_an_image_is_pushed_under_another_name(
    ctr: Command, server: Server, name: str, repository: str
) -> None:
    app = image(name)
    push(server.client, name, "v1", app)
    ctr(*PULL, f"{repository}:v1")

    ctr("images", "tag", f"{repository}:v1", f"{repository}/other:v2")
    ctr(*PUSH, f"{repository}/other:v2")

    assert missing(server.client, f"{name}/other", app) == []


def _import_archive(directory: Path, app: Manifest) -> str:
    """An archive of an OCI layout, as ``ctr images import`` takes it."""
    write_layout(str(directory / "layout"), {"v1": app})
    archive = str(directory / "layout.tar")
    with tarfile.open(archive, "w") as tar:
        tar.add(directory / "layout", arcname=".")
    return archive
