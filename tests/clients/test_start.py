"""The ways to start the registry that the README shows, each proven by a client."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from registry.testing.images import image, write_layout
from registry.testing.programs import (
    Command,
    Program,
    answers_on_port,
    free_port,
    our_program,
)
from registry.testing.servers import OURS


def started(
    command: Sequence[str], port: int, work: Path, **environment: str
) -> Program:
    """A registry that was started in ``work``, as from a shell there."""
    return Program(
        command=command,
        log=str(work / "log"),
        is_ready=lambda: answers_on_port(port),
        environment=environment,
        directory=str(work),
    )


def push_and_pull(skopeo: Command, port: int, work: Path) -> None:
    app = image("hello")
    write_layout(str(work / "pushed"), {"v1": app})
    remote = f"docker://127.0.0.1:{port}/hello:v1"
    skopeo("copy", "--dest-tls-verify=false", f"oci:{work}/pushed:v1", remote)
    skopeo("copy", "--src-tls-verify=false", remote, f"oci:{work}/pulled:v1")
    for digest, content in app.contents().items():
        assert (work / "pulled/blobs/sha256" / digest.hex).read_bytes() == content


def test_it_starts_without_a_configuration(skopeo: Command, tmp_path: Path) -> None:
    port = free_port()
    address = f"127.0.0.1:{port}"

    with started(OURS, port, tmp_path, REGISTRY_HTTP_ADDR=address) as program:
        push_and_pull(skopeo, port, tmp_path)

    said = program.log()
    assert address in said
    assert f"stores in {tmp_path}/registry-data" in said
    assert "no authentication" in said.lower()
    assert (tmp_path / "registry-data" / "docker").is_dir()


def test_twistd_starts_it(skopeo: Command, tmp_path: Path) -> None:
    port = free_port()
    options = ["--port", str(port), "--storage", str(tmp_path / "images")]
    command = [our_program("twistd"), "--nodaemon", "--pidfile=", "registry", *options]

    with started(command, port, tmp_path):
        push_and_pull(skopeo, port, tmp_path)

    assert (tmp_path / "images" / "docker").is_dir()
