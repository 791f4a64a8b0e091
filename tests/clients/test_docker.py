"""The Docker Engine builds, pushes and pulls."""

from __future__ import annotations

import json

import pytest

from registry.testing.images import image, platforms
from registry.testing.programs import Command
from registry.testing.push import push, served
from registry.testing.servers import Server


@pytest.fixture
def built(docker: Command, context: str, repository: str) -> str:
    """A built image that is named for its repository."""
    docker("build", "--tag", f"{repository}:v1", context)
    return f"{repository}:v1"


def repository_digest(docker: Command, reference: str) -> str:
    """The digest of the manifest that an image was pulled or pushed with."""
    told = docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", reference)
    return told.strip().partition("@")[2]


def image_id(docker: Command, reference: str) -> str:
    return docker("image", "inspect", "--format", "{{.Id}}", reference).strip()


def test_a_built_image_is_pushed_and_pulled(
    docker: Command, built: str, server: Server, name: str
) -> None:
    built_id = image_id(docker, built)

    docker("push", built)
    docker("rmi", built)
    docker("pull", built)

    answer = server.client.manifest(name, "v1").expect(200)
    assert image_id(docker, built) == built_id == answer.json()["config"]["digest"]
    pushed = repository_digest(docker, built)
    assert pushed == answer.header("Docker-Content-Digest")
    assert len(served(server.client, name, pushed)) == 3


def test_an_image_is_pulled_by_tag_and_by_digest(
    docker: Command, server: Server, name: str, repository: str
) -> None:
    app = image(name)
    push(server.client, name, "v1", app)

    for reference in (f"{repository}:v1", f"{repository}@{app.digest}"):
        docker("pull", reference)
        assert repository_digest(docker, reference) == str(app.digest)


def test_a_second_push_mounts_the_layers(
    docker: Command, built: str, server: Server, name: str, repository: str
) -> None:
    docker("push", built)
    docker("tag", built, f"{repository}/other:v2")

    said = docker("push", f"{repository}/other:v2")

    assert f"Mounted from {name}" in said
    first = served(server.client, name, "v1")
    assert served(server.client, f"{name}/other", "v2") == first


def test_an_unchanged_image_is_not_pushed_again(docker: Command, built: str) -> None:
    docker("push", built)

    assert "Layer already exists" in docker("push", built)


def test_the_image_of_an_architecture_is_pulled_from_a_list(
    docker: Command, server: Server, name: str, repository: str
) -> None:
    app = platforms(name)
    push(server.client, name, "v1", app)

    docker("pull", "--platform", "linux/arm64", f"{repository}:v1")

    told = docker(
        "image", "inspect", "--format", "{{.Architecture}}", f"{repository}:v1"
    )
    assert told.strip() == "arm64"
    assert repository_digest(docker, f"{repository}:v1") == str(app.digest)


def test_all_tags_are_pulled(
    docker: Command, server: Server, name: str, repository: str
) -> None:
    for tag in ("v1", "v2"):
        push(server.client, name, tag, image(name + tag))

    docker("pull", "--all-tags", repository)

    shown = docker("images", "--format", "{{.Tag}}", repository)
    assert sorted(shown.split()) == ["v1", "v2"]


def test_a_list_is_made_pushed_and_inspected(
    docker: Command, built: str, server: Server, name: str, repository: str
) -> None:
    docker("push", built)
    listed = f"{repository}:list"

    docker("manifest", "create", "--insecure", listed, built)
    pushed = docker("manifest", "push", "--insecure", "--purge", listed).strip()
    told = json.loads(docker("manifest", "inspect", "--insecure", listed))

    answer = server.client.manifest(name, "list").expect(200)
    assert answer.header("Docker-Content-Digest") == pushed
    assert told == answer.json()
    assert told["manifests"][0]["digest"] == repository_digest(docker, built)
