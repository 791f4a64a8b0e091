"""A running registry, and the real clients that push to it and pull from it.

The registry is ours, or the one that the environment names: with
``UNDER_TEST=docker-registry`` the same tests run against Debian's, which
tells whether a failure is the registry's or the test's. A missing client is a failure.

Containers are not run: what a registry can do wrong shows in the bytes.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.testing.programs import Command, Daemon
from registry.testing.servers import DISTRIBUTION, OURS, Server

CONTAINERD = Path(__file__).with_name("containerd.toml")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The registry that all tests here push to, each to repositories of its own."""
    asked = os.environ.get("UNDER_TEST")
    command = DISTRIBUTION if asked == "docker-registry" else OURS
    work = tmp_path_factory.mktemp("server")
    storage = str(work / "storage")
    with Server(command=command, storage=storage, work=str(work)) as running:
        yield running


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A repository of this test alone."""
    file, test = request.path.stem, request.node.name
    return f"{_component(file)}/{_component(test)}"


def _component(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


@pytest.fixture
def repository(server: Server, name: str) -> str:
    """Where clients find the repository: host, port and name."""
    return f"{server.address}/{name}"


@pytest.fixture
def skopeo(tmp_path: Path) -> Command:
    return Command(["skopeo", "--insecure-policy", "--tmpdir", str(tmp_path)])


@pytest.fixture
def umoci() -> Command:
    return Command(["umoci"])


@pytest.fixture
def store() -> Iterator[Path]:
    """A directory for image stores. Not pytest's: podman wants a path that is short."""
    with tempfile.TemporaryDirectory(prefix="store-", dir="/tmp") as directory:
        yield Path(directory)
        _unmount_below(directory)


@pytest.fixture
def buildah(store: Path) -> Command:
    return Command(["buildah", *_stored_in(store / "buildah")])


@pytest.fixture
def podman(store: Path) -> Command:
    options = ["--cgroup-manager", "cgroupfs", "--events-backend", "file"]
    places = [*_stored_in(store / "podman"), "--tmpdir", str(store / "tmp")]
    return Command(["podman", *places, *options])


def _stored_in(root: Path) -> list[str]:
    """An image store of one test; vfs works on every file system."""
    places = ["--root", str(root / "root"), "--runroot", str(root / "run")]
    return [*places, "--storage-driver", "vfs"]


@pytest.fixture(scope="session")
def daemons() -> Iterator[Path]:
    """A directory for daemons. Not pytest's: the path of a socket must be short."""
    with tempfile.TemporaryDirectory(prefix="daemons-", dir="/tmp") as directory:
        yield Path(directory)
        _unmount_below(directory)


def _unmount_below(directory: str) -> None:
    """Release what is left mounted: dockerd leaves a network namespace, say."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    for point in (line.split()[1] for line in mounts):
        if point.startswith(f"{directory}/"):
            subprocess.run(["umount", "--lazy", point], check=True, timeout=30)


@pytest.fixture(scope="session")
def containerd(daemons: Path) -> Iterator[Daemon]:
    """containerd with a root of its own."""
    settings = daemons / "containerd.toml"
    text = CONTAINERD.read_text().replace("@DIRECTORY@", str(daemons))
    settings.write_text(text)
    with Daemon(
        command=["containerd", "--config", str(settings)],
        socket=f"{daemons}/containerd.sock",
        log=f"{daemons}/containerd.log",
    ) as running:
        yield running


@pytest.fixture
def ctr(containerd: Daemon, name: str) -> Command:
    """containerd's client, in a namespace of this test alone."""
    namespace = name.rpartition("/")[2]
    return Command(["ctr", "--address", containerd.socket, "--namespace", namespace])


@pytest.fixture(scope="session")
def dockerd(containerd: Daemon, daemons: Path) -> Iterator[Daemon]:
    """The Docker Engine on that containerd, without a network for containers."""
    socket = f"{daemons}/docker.sock"
    options = {
        "containerd": containerd.socket,
        "data-root": f"{daemons}/docker",
        "exec-root": f"{daemons}/docker-run",
        "pidfile": f"{daemons}/docker.pid",
        "host": f"unix://{socket}",
        "storage-driver": "vfs",
        "bridge": "none",
        "iptables": "false",
        "ip6tables": "false",
    }
    with Daemon(
        command=["dockerd", *(f"--{key}={value}" for key, value in options.items())],
        socket=socket,
        log=f"{daemons}/dockerd.log",
    ) as running:
        yield running


@pytest.fixture
def docker(dockerd: Daemon, tmp_path: Path) -> Command:
    """Docker's client. The classic builder, which every engine has."""
    return Command(
        ["docker", "--host", f"unix://{dockerd.socket}"],
        environment={"DOCKER_CONFIG": str(tmp_path / "docker"), "DOCKER_BUILDKIT": "0"},
    )


@pytest.fixture
def context(tmp_path: Path, name: str) -> str:
    """A build context that needs no network: one file in an empty image."""
    directory = tmp_path / "context"
    directory.mkdir()
    (directory / "hello").write_text(f"hello from {name}\n")
    (directory / "Dockerfile").write_text("FROM scratch\nCOPY hello /hello\n")
    return str(directory)
