"""``registry verify`` as an operator runs it: on files, and beside a registry."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.core.digest import Digest
from registry.core.name import RepositoryName, Tag
from registry.storage.layout import blob_data, layer_link, revision_link, tag_current
from registry.testing.images import image, index
from registry.testing.programs import our_program
from registry.testing.push import missing, push
from registry.testing.servers import SharedDirectory

WAIT = 60
"""Seconds after which a test gives up; nothing waits so long when all is well."""

NAME = "team/app"
APP = image("app")
LAYER = Digest.of(APP.blobs[1])
TEAM = RepositoryName(NAME)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[SharedDirectory]:
    directory = SharedDirectory(root=str(tmp_path))
    yield directory
    directory.stop()


@pytest.fixture
def stopped(directory: SharedDirectory) -> SharedDirectory:
    """A store with two repositories that nobody serves."""
    client = directory.ours()
    push(client, NAME, "latest", index([APP]))
    push(client, "other", "latest", APP)
    directory.stop()
    return directory


def verify(
    directory: SharedDirectory, *options: str
) -> subprocess.CompletedProcess[str]:
    command = [our_program("registry"), "verify", "--storage", directory.storage]
    return subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=WAIT
    )


def objects(directory: SharedDirectory, *options: str) -> list[dict[str, Any]]:
    """What it prints with ``--json``."""
    done = verify(directory, "--json", *options)
    return [json.loads(line) for line in done.stdout.splitlines()]


def file(directory: SharedDirectory, path: str) -> Path:
    return Path(directory.storage) / path


def test_a_sound_store(stopped: SharedDirectory) -> None:
    done = verify(stopped)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("sound: 4 contents (")
    assert "2 repositories, 3 manifests, 2 tags; 0 damaged" in done.stdout
    [summary] = objects(stopped)
    assert summary["summary"] == "sound"
    assert (summary["contents"], summary["damage"], summary["unheld"]) == (4, 0, 0)


def test_a_store_of_distribution_and_one_of_ours_beside_a_server(
    directory: SharedDirectory,
) -> None:
    push(directory.distribution(), NAME, "latest", index([APP]))
    assert verify(directory).returncode == 0
    directory.ours()
    assert verify(directory).returncode == 0
    assert directory.ours().manifest(NAME, "latest").expect(200)


def test_damage_is_named_and_its_status_is_1(stopped: SharedDirectory) -> None:
    file(stopped, blob_data(LAYER)).write_bytes(b"damage")
    done = verify(stopped)
    assert done.returncode == 1
    assert f"damage: {blob_data(LAYER)}: its 6 bytes" in done.stdout
    assert f"push {LAYER} again" in done.stdout
    found = objects(stopped)
    kinds = [one.get("kind") for one in found[:-1]]
    assert sorted(kinds) == sorted(
        ["content-damaged", *["content-missing", "reference-missing"] * 2]
    )
    assert found[-1]["summary"] == "damaged"


def test_a_repair_is_told_and_mends(stopped: SharedDirectory) -> None:
    paths = [
        layer_link(TEAM, LAYER),
        revision_link(TEAM, APP.digest),
        tag_current(TEAM, Tag("latest")),
    ]
    for path in paths:
        file(stopped, path).write_bytes(b"")
    planned = verify(stopped, "--dry-run")
    assert planned.returncode == 1
    assert f"repair: {paths[0]}: would write the link again" in planned.stdout
    assert all(file(stopped, path).read_bytes() == b"" for path in paths)
    done = verify(stopped, "--repair")
    assert done.returncode == 0
    assert all(f"repair: {path}: mended" in done.stdout for path in paths)
    assert verify(stopped).returncode == 0
    assert missing(stopped.ours(), NAME, index([APP])) == []


def test_what_is_set_aside_is_damage_until_it_is_pushed(
    stopped: SharedDirectory,
) -> None:
    file(stopped, blob_data(LAYER)).write_bytes(b"damage")
    done = verify(stopped, "--repair")
    assert done.returncode == 1
    assert f"repair: {blob_data(LAYER)}: set aside" in done.stdout
    client = stopped.ours()
    client.request("HEAD", f"/v2/{NAME}/blobs/{LAYER}").expect(404)
    push(client, "third", "latest", APP)
    assert missing(client, NAME, index([APP])) == []
    assert verify(stopped).returncode == 0


def test_no_repair_beside_a_registry_that_serves(stopped: SharedDirectory) -> None:
    stopped.ours()
    file(stopped, layer_link(TEAM, LAYER)).write_bytes(b"")
    done = verify(stopped, "--repair")
    assert done.returncode == 2
    assert "in use by another registry (pid" in done.stderr
    assert "without --repair this looks beside it" in done.stderr
    assert file(stopped, layer_link(TEAM, LAYER)).read_bytes() == b""
    assert verify(stopped, "--dry-run").returncode == 1


@pytest.mark.parametrize("kind", ["nothing", "empty", "file", "memory"])
def test_where_there_is_no_store_nothing_is_made(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "empty":
        place.mkdir()
    if kind == "file":
        place.touch()
    options = ["--storage", str(place)]
    if kind == "memory":
        (tmp_path / "c.yml").write_text("version: 0.1\nstorage: inmemory\n")
        options = [str(tmp_path / "c.yml")]
    for more in ([], ["--repair"]):
        done = subprocess.run(
            [our_program("registry"), "verify", *options, *more],
            capture_output=True,
            text=True,
            timeout=WAIT,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert "cannot verify" in done.stderr
    assert place.exists() == (kind in ("empty", "file"))
    assert kind != "empty" or os.listdir(place) == []


def test_what_cannot_be_read_is_neither_sound_nor_damage(
    stopped: SharedDirectory, tmp_path: Path
) -> None:
    hidden = file(stopped, blob_data(LAYER)).parent
    hidden.chmod(0o000)
    done = subprocess.run(
        [
            *(as_nobody(stopped, tmp_path) if os.geteuid() == 0 else ()),
            *(sys.executable, "-m", "registry.cli.main", "verify"),
            *("--storage", stopped.storage),
        ],
        capture_output=True,
        text=True,
        timeout=WAIT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    hidden.chmod(0o755)
    assert done.returncode == 2
    assert f"unreadable: {os.path.dirname(blob_data(LAYER))}" in done.stdout
    assert "let the registry's user read" in done.stdout
    assert "not everything could be read" in done.stderr


def as_nobody(stopped: SharedDirectory, tmp_path: Path) -> tuple[str, ...]:
    """How root runs a command that modes count for, and that may see the store."""
    own = file(stopped, "_registry")
    own.chmod(0o755)
    (own / "store").chmod(0o644)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def test_a_terminal_is_shown_how_far_it_is(stopped: SharedDirectory) -> None:
    ours, theirs = pty.openpty()
    command = [our_program("registry"), "verify", "--storage", stopped.storage]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=WAIT
        )
        shown = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert "0 contents, 0 B, " in shown
    assert shown.startswith("\r[")
    assert done.stdout.startswith("sound: ")


def test_names_in_the_store_cannot_steer_a_terminal(stopped: SharedDirectory) -> None:
    file(stopped, "docker/registry/v2/blobs/\x1b[31mred\n").touch()
    done = verify(stopped)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "?[31mred?" in done.stdout


def test_pushes_and_deletes_meanwhile_are_no_damage(stopped: SharedDirectory) -> None:
    client = stopped.ours()
    command = [our_program("registry"), "verify", "--json"]
    with subprocess.Popen(
        [*command, "--storage", stopped.storage], stdout=subprocess.PIPE, text=True
    ) as looking:
        for number in range(500):
            app = image(f"app {number}")
            push(client, f"busy/{number % 3}", "moving", app)
            if number % 2:
                target = f"/v2/busy/{number % 3}/manifests/{app.digest}"
                client.request("DELETE", target).expect(202)
            if looking.poll() is not None:
                break
        said, _ = looking.communicate(timeout=WAIT)
    summary = json.loads(said.splitlines()[-1])
    assert (looking.returncode, summary["summary"]) == (0, "sound"), said
