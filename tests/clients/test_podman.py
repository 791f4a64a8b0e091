"""podman pulls, tags, pushes, lists, and makes multi-architecture lists."""

from __future__ import annotations

from registry.testing.images import image, platforms
from registry.testing.programs import Command
from registry.testing.push import missing, push
from registry.testing.servers import Server

PLAIN = "--tls-verify=false"


def test_an_image_is_pulled_and_pushed_under_another_name(
    podman: Command, server: Server, name: str, repository: str
) -> None:
    app = image(name)
    push(server.client, name, "v1", app)

    podman("pull", PLAIN, f"{repository}:v1")
    podman("tag", f"{repository}:v1", f"{repository}/other:v2")
    podman("push", PLAIN, f"{repository}/other:v2")

    told = podman("image", "inspect", "--format", "{{.Digest}}", f"{repository}:v1")
    assert told.strip() == str(app.digest)
    pushed = server.client.manifest(f"{name}/other", "v2").expect(200).json()
    assert pushed["config"]["digest"] in map(str, app.blobs_by_digest())


def test_an_image_is_pulled_by_digest(
    podman: Command, server: Server, name: str, repository: str
) -> None:
    app = image(name)
    push(server.client, name, app.digest, app)

    podman("pull", PLAIN, f"{repository}@{app.digest}")

    assert str(app.digest) in podman("images", "--digests", "--noheading")


def test_the_image_of_an_architecture_is_pulled_from_a_list(
    podman: Command, server: Server, name: str, repository: str
) -> None:
    app = platforms(name)
    push(server.client, name, "v1", app)

    podman("pull", PLAIN, "--arch", "arm64", f"{repository}:v1")

    shown = podman(
        "image", "inspect", "--format", "{{.Architecture}}", repository + ":v1"
    )
    assert shown.strip() == "arm64"


def test_a_list_is_made_and_pushed(
    podman: Command, server: Server, name: str, repository: str
) -> None:
    app = platforms(name)
    for child in app.children:
        push(server.client, name, child.digest, child)
    podman("manifest", "create", "both")
    for child in app.children:
        podman(
            "manifest", "add", PLAIN, "both", f"docker://{repository}@{child.digest}"
        )

    podman("manifest", "push", PLAIN, "--all", "both", f"docker://{repository}:both")

    pushed = server.client.manifest(name, "both").expect(200).json()["manifests"]
    assert {entry["digest"] for entry in pushed} == {
        str(child.digest) for child in app.children
    }
    assert [missing(server.client, name, child) for child in app.children] == [[], []]


def test_tags_are_listed(
    podman: Command, server: Server, name: str, repository: str
) -> None:
    for tag in ("v1", "v2"):
        push(server.client, name, tag, image(tag))

    listed = podman("search", PLAIN, "--list-tags", repository).splitlines()

    found = sorted(line.split() for line in listed if repository in line)
    assert found == [[repository, "v1"], [repository, "v2"]]
