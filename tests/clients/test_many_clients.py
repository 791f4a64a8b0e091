"""Several clients at once, and layers that are larger than any buffer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from registry.testing.images import Manifest, image, write_layout
from registry.testing.programs import Command
from registry.testing.push import missing, push
from registry.testing.servers import Server

CLIENTS = 8
LARGE = 24 * 1024 * 1024
"""Bytes: more than a socket, a queue and a chunk of any client hold together."""


@pytest.fixture(scope="module")
def app() -> Manifest:
    return image("large", padding=LARGE)


@pytest.fixture
def copy(app: Manifest, skopeo: Command, tmp_path: Path) -> Callable[[str], str]:
    """Push the image to a repository, given with its host, under the tag v1."""
    layout = tmp_path / "layout"
    write_layout(str(layout), {"v1": app})
    push_ = ("copy", "--dest-tls-verify=false", "--preserve-digests")
    return lambda to: skopeo(*push_, f"oci:{layout}:v1", f"docker://{to}:v1")


def test_clients_push_the_same_content_at_once_to_one_repository(
    app: Manifest,
    copy: Callable[[str], str],
    server: Server,
    name: str,
    repository: str,
) -> None:
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(copy, [repository] * CLIENTS))

    assert missing(server.client, name, app) == []
    assert server.client.tags(name) == ["v1"]


def test_clients_push_the_same_content_at_once_to_many_repositories(
    app: Manifest,
    copy: Callable[[str], str],
    server: Server,
    name: str,
    repository: str,
) -> None:
    numbers = range(CLIENTS)
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(copy, [f"{repository}/{number}" for number in numbers]))

    for number in numbers:
        assert missing(server.client, f"{name}/{number}", app) == []


def test_docker_pulls_and_pushes_a_large_layer(
    app: Manifest, docker: Command, server: Server, name: str, repository: str
) -> None:
    push(server.client, name, "v1", app)

    docker("pull", f"{repository}:v1")
    docker("tag", f"{repository}:v1", f"{repository}-again:v1")
    docker("push", f"{repository}-again:v1")

    pushed = server.client.manifest(f"{name}-again", "v1").expect(200).json()
    assert pushed["config"]["digest"] in map(str, app.blobs_by_digest())


def test_containerd_pulls_a_large_layer(
    app: Manifest, ctr: Command, server: Server, name: str, repository: str
) -> None:
    push(server.client, name, "v1", app)

    ctr("content", "fetch", "--plain-http", f"{repository}:v1")

    for digest, content in app.contents().items():
        assert ctr.output("content", "get", str(digest)) == content
