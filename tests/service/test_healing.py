"""A registry heals while it serves: after a crash, in the background, and when asked.

Every test is of a real process on real files.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from registry.core.digest import Digest
from registry.core.name import RepositoryName, Tag
from registry.storage.layout import (
    QUARANTINE,
    blob_data,
    layer_link,
    revision_link,
    tag_current,
    upload,
)
from registry.testing.client import Client
from registry.testing.images import image
from registry.testing.programs import POLL, free_port
from registry.testing.push import missing, push
from registry.testing.registry_process import WAIT, RegistryProcess

NAME = "team/app"
TEAM = RepositoryName(NAME)
APP = image("app", padding=200_000)
LAYER = Digest.of(APP.blobs[1])
NOISE = os.urandom(300_000)

OPTIONS = """\
storage:
  filesystem: {{rootdirectory: {root}, create: {create}}}
  delete: {{enabled: true}}
http:
  debug: {{addr: '127.0.0.1:{debug}', prometheus: {{enabled: true}}}}
"""


class Registry:
    """A registry on ``root`` that can be started, killed and started again."""

    def __init__(self, work: Path) -> None:
        self.root = work / "root"
        self._work = work
        self.client = self.operator = Client(port=0)
        self.processes: list[RegistryProcess] = []

    def start(self, *, create: str = "true") -> Client:
        debug = free_port()
        options = OPTIONS.format(root=self.root, create=create, debug=debug)
        process = RegistryProcess(root=str(self._work), options=options)
        self.client, self.operator = process.client, Client(port=debug)
        self.processes.append(process.start())
        return self.client

    def file(self, path: str) -> Path:
        return self.root / path

    @property
    def log(self) -> str:
        """All that the last process has said."""
        return self.processes[-1].log

    def said(self, words: str) -> str:
        """The log, once there are ``words`` in it."""
        self.processes[-1].said(words)
        return self.log

    def stop(self) -> None:
        for process in self.processes:
            if process.process.poll() is None:
                process.stop()

    def kill(self) -> None:
        self.processes[-1].signal(signal.SIGKILL)
        self.processes[-1].end()


def eventually(ask: Callable[[], str], is_right: Callable[[str], bool]) -> str:
    """What ``ask`` answers, once it is right; within a deadline."""
    deadline = time.monotonic() + WAIT
    while not is_right(answer := ask()):
        assert time.monotonic() < deadline, answer
        Event().wait(POLL)
    return answer


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry(tmp_path)
    yield registry
    registry.stop()


@pytest.fixture
def pushed(registry: Registry) -> Registry:
    """It serves an image."""
    push(registry.start(), NAME, "latest", APP)
    return registry


def test_after_a_clean_stop_nothing_is_looked_through(pushed: Registry) -> None:
    pushed.stop()
    assert not pushed.file("_registry/running").exists()
    pushed.start()
    pushed.stop()
    assert "did not end well" not in pushed.log


def test_after_a_crash_all_is_mended_while_it_serves(pushed: Registry) -> None:
    pushed.kill()
    revision = pushed.file(revision_link(TEAM, APP.digest))
    revision.write_bytes(b"")
    pushed.file(layer_link(TEAM, LAYER)).write_bytes(b"\0" * 71)
    pushed.file(tag_current(TEAM, Tag("latest"))).write_bytes(b"")
    leftover = pushed.file(blob_data(LAYER)).with_name(f"data.{uuid.uuid4()}.tmp")
    leftover.write_bytes(b"half")
    half_made = pushed.file(upload(TEAM, str(uuid.uuid4())))
    half_made.mkdir()
    client = pushed.start()
    log = pushed.said("recovery: ")
    assert "3 contents verified, 0 damaged" in log
    assert "3 links mended" in log
    assert "1 temporary files and 1 half-made uploads removed, 0 failures" in log
    assert not leftover.exists()
    assert not half_made.exists()
    assert missing(client, NAME, APP) == []
    assert client.manifest(NAME, "latest").expect(200).body == APP.content
    pushed.stop()
    pushed.start()
    pushed.stop()
    assert "did not end well" not in pushed.log


def test_a_torn_tag_is_served_before_it_is_mended(pushed: Registry) -> None:
    pushed.stop()
    current = pushed.file(tag_current(TEAM, Tag("latest")))
    current.write_bytes(b"")
    client = pushed.start()
    assert client.manifest(NAME, "latest").expect(200).body == APP.content
    assert current.read_bytes() == b""


def test_content_damaged_by_a_crash_is_set_aside_and_mended_by_a_push(
    pushed: Registry,
) -> None:
    pushed.kill()
    data = pushed.file(blob_data(LAYER))
    whole = data.read_bytes()
    data.write_bytes(bytes(len(whole)))
    client = pushed.start()
    assert f"{LAYER} is damaged and was set aside" in pushed.said("recovery: ")
    assert not data.exists()
    [kept] = pushed.file(QUARANTINE).rglob("data")
    assert kept.read_bytes() == bytes(len(whole))
    head = f"/v2/{NAME}/blobs/{LAYER}"
    client.request("HEAD", head).expect(404)
    client.manifest(NAME, "latest").expect(200)
    answer = client.get("/healthz").expect(200)
    assert answer.body.startswith(b"degraded\ndamaged_content: ")
    told = pushed.operator.get("/debug/health").expect(200).json()
    assert "missing now: 1" in told["damaged_content"]
    metrics = pushed.operator.get("/metrics").body
    assert b"registry_storage_damaged_contents_total 1.0\n" in metrics
    assert b"registry_storage_missing_contents 1.0\n" in metrics
    push(client, "other", "latest", APP)
    assert missing(client, NAME, APP) == []
    assert client.get("/healthz").body == b"ok\n"
    assert kept.exists()
    assert b"registry_storage_missing_contents 0.0\n" in (
        pushed.operator.get("/metrics").body
    )


def test_what_is_missing_is_told_after_a_restart_too(pushed: Registry) -> None:
    pushed.file(blob_data(APP.digest)).write_bytes(b"{}")
    pushed.stop()
    client = pushed.start()
    client.manifest(NAME, "latest").expect(404)
    pushed.stop()
    client = pushed.start()

    def health() -> str:
        return client.get("/healthz").body.decode()

    assert "missing now: 1" in eventually(health, lambda said: said != "ok\n")


def test_a_recovery_that_was_not_finished_goes_on_at_the_next_start(
    pushed: Registry,
) -> None:
    """It could not look at everything, so the mark stays."""
    pushed.kill()
    link = pushed.file(layer_link(TEAM, LAYER))
    content = link.read_bytes()
    link.unlink()
    link.mkdir()
    pushed.start()
    pushed.said("1 failures")
    pushed.stop()
    assert pushed.file("_registry/running").exists()
    link.rmdir()
    link.write_bytes(content)
    pushed.start()
    pushed.said("0 failures")
    pushed.stop()
    assert not pushed.file("_registry/running").exists()


def test_a_crash_does_not_delay_the_start(pushed: Registry) -> None:
    """However much there is to be looked through, it answers first."""
    for number in range(20):
        pushed.client.push_blob(NAME, NOISE + bytes([number]))
    pushed.kill()
    pushed.start()
    log = pushed.said("recovery: ")
    assert log.index("listens on") < log.index("did not end well")


@pytest.mark.parametrize("how", ["moved away", "exchanged", "emptied"])
def test_a_root_that_vanishes_is_neither_written_nor_made_anew(
    pushed: Registry, how: str
) -> None:
    client, elsewhere = pushed.client, pushed.root.with_name("elsewhere")
    pushed.root.rename(elsewhere)
    if how != "moved away":
        pushed.root.mkdir()
    if how == "exchanged":
        shutil.copytree(elsewhere, pushed.root, dirs_exist_ok=True)
    before = listed(pushed.root)
    single = f"/v2/{NAME}/blobs/uploads/?digest={Digest.of(NOISE)}"
    refused = [
        client.request("POST", single, body=NOISE),
        client.push_manifest(NAME, "new", APP.content, APP.media_type),
        client.request("HEAD", f"/v2/never/blobs/{Digest.of(b'never')}"),
        client.get("/v2/never/tags/list"),
        client.request("DELETE", f"/v2/{NAME}/manifests/{APP.digest}"),
    ]
    assert [answer.status for answer in refused] == [503] * len(refused)
    assert b"the registry's storage is gone" in refused[0].body
    assert listed(pushed.root) == before

    def health() -> str:
        return client.get("/healthz").body.decode()

    said = eventually(health, lambda said: "storage_root" in said)
    assert "not the one that was opened" in said
    assert str(pushed.root) not in said
    if how != "moved away":
        shutil.rmtree(pushed.root)
    elsewhere.rename(pushed.root)
    eventually(health, lambda said: said == "ok\n")
    push(client, NAME, "again", APP)
    assert missing(client, NAME, APP) == []


def listed(root: Path) -> list[str] | None:
    if not root.exists():
        return None
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_an_upload_under_way_when_the_root_vanishes_is_not_acknowledged(
    pushed: Registry,
) -> None:
    session = pushed.client.start_upload(NAME)
    session.append(b"half", start=0).expect(202)
    pushed.root.rename(pushed.root.with_name("elsewhere"))
    session.append(b"more", start=4).expect(503)
    session.finish(Digest.of(b"half")).expect(503)
    assert listed(pushed.root) is None


def test_a_stop_without_the_root_leaves_everything_alone(pushed: Registry) -> None:
    pushed.root.rename(pushed.root.with_name("elsewhere"))
    pushed.stop()
    assert listed(pushed.root) is None
    assert pushed.root.with_name("elsewhere").joinpath("_registry/running").exists()
    assert "Traceback" not in pushed.log


@pytest.mark.parametrize("kind", ["missing", "empty", "foreign"])
def test_where_no_store_may_be_made_there_has_to_be_one(
    registry: Registry, kind: str
) -> None:
    if kind != "missing":
        registry.root.mkdir()
    if kind == "foreign":
        (registry.root / "notes").write_text("mine")
    before = listed(registry.root)
    with pytest.raises(AssertionError, match=r"storage\.filesystem\.create"):
        registry.start(create="false")
    assert listed(registry.root) == before


@pytest.mark.parametrize("whose", ["ours", "distribution's"])
def test_a_store_that_is_there_is_served(registry: Registry, whose: str) -> None:
    registry.start()
    registry.stop()
    if whose != "ours":
        shutil.rmtree(registry.root / "_registry")
        (registry.root / "docker/registry/v2").mkdir(parents=True)
    registry.start(create="false").get("/v2/").expect(200)


def test_the_id_of_a_store_stays(registry: Registry) -> None:
    registry.start()
    first = registry.file("_registry/store").read_text()
    registry.kill()
    registry.start()
    assert registry.file("_registry/store").read_text() == first
    assert str(uuid.UUID(first.strip())) == first.strip()


def test_a_registry_in_memory_needs_none_of_it(tmp_path: Path) -> None:
    server = RegistryProcess(root=str(tmp_path), options="storage: inmemory\n")
    with server:
        push(server.client, NAME, "latest", APP)
    assert "level=error" not in server.log
    assert os.listdir(tmp_path) == [os.path.basename(server.configuration)]
