"""The configuration that Debian's package installs starts our server too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from registry.testing.client import Client
from registry.testing.images import image
from registry.testing.programs import Program, answers_on_port, free_port
from registry.testing.push import missing, push
from registry.testing.servers import DISTRIBUTION, OURS

INSTALLED = Path("/etc/docker/registry/config.yml")
AUTH = re.compile(r"^auth:\n(?:[ ]+.*\n)+", re.MULTILINE)


@pytest.mark.parametrize("command", [OURS, DISTRIBUTION], ids=["ours", "distribution"])
def test_it_starts_with_the_environment_overriding_port_and_directory(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    settings = tmp_path / "config.yml"
    settings.write_text(AUTH.sub("", INSTALLED.read_text()))
    port, app = free_port(), image("hello")
    storage = tmp_path / "storage"
    storage.mkdir()

    with Program(
        command=[*command, str(settings)],
        log=str(tmp_path / "log"),
        is_ready=lambda: answers_on_port(port),
        environment={
            "REGISTRY_HTTP_ADDR": f"127.0.0.1:{port}",
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(storage),
        },
    ):
        client = Client(port=port)
        push(client, "team/app", "v1", app)

        assert missing(client, "team/app", app) == []
        assert client.get("/v2/").header("X-Content-Type-Options") == "nosniff"
    assert (storage / "docker" / "registry" / "v2" / "blobs").is_dir()
