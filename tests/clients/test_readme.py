"""The first push and pull that the README shows, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

from registry.core.digest import Digest
from registry.testing.programs import Command
from registry.testing.push import served
from registry.testing.servers import Server

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"```sh\n(make clients.*?\n)((?:.*\n)*?)```\n")


def test_the_first_push_and_pull_of_the_readme(server: Server, tmp_path: Path) -> None:
    shown = BLOCK.search(README.read_text())
    assert shown is not None
    # All but `make clients`, which must have been run for any test here to run.
    script = shown[2].replace("/tmp/first", str(tmp_path))
    assert "127.0.0.1:5000" in script

    Command(["sh", "-euc"])(script.replace("127.0.0.1:5000", server.address))

    pulled = tmp_path / "pulled"
    content = served(server.client, "first/hello", "v1")
    assert Digest.of((pulled / "manifest.json").read_bytes()) in content
    blobs = [file for file in pulled.iterdir() if len(file.name) == 64]
    assert len(blobs) == len(content) - 1
    for blob in blobs:
        assert content[Digest("sha256", blob.name)] == blob.read_bytes()
