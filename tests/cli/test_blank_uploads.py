"""Uploads that were only begun when the process died: they go on where they began."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from registry.core.digest import Digest
from registry.storage.kept_secret import PLACE
from registry.testing.client import Answer, Session, with_query
from registry.testing.registry_process import WAYS, RegistryProcess

CONTENT = b"half of it" * 20_000
DIGEST = Digest.of(CONTENT)
LOCATED = "http: {relativeurls: true}\n"


def killed(tmp_path: Path, way: str, names: str) -> list[Session]:
    """Uploads that a process began before it died."""
    with RegistryProcess(root=str(tmp_path), command=WAYS[way], options=LOCATED) as one:
        begun = [one.client.start_upload(name) for name in names]
        one.signal(signal.SIGKILL)
        assert one.end() == -signal.SIGKILL
    return begun


def restarted(tmp_path: Path, way: str, begun: list[Session]) -> RegistryProcess:
    process = RegistryProcess(root=str(tmp_path), command=WAYS[way], options=LOCATED)
    for session in begun:
        session.client = process.client
    return process


@pytest.mark.parametrize("way", WAYS)
def test_an_upload_goes_on_at_its_location_after_a_kill(
    tmp_path: Path, way: str
) -> None:
    begun = killed(tmp_path, way, "abcd")
    patched, put, given_up, purged = begun
    with restarted(tmp_path, way, begun) as again:
        for session in begun:
            answer = again.client.get(session.location).expect(204)
            assert answer.header("Range") == "0-0"
        patched.append(CONTENT[:70_000], start=0).expect(202)
        patched.append(CONTENT[70_000:]).expect(202)
        patched.commit(CONTENT)
        put.finish(DIGEST, CONTENT).expect(201)
        given_up.cancel().expect(204)
        for over in (put, given_up):
            again.client.get(over.location).expect(404)
        for name in "ab":
            assert again.client.blob(name, DIGEST).expect(200).body == CONTENT
        assert again.client.get(purged.location).status == 204
    storage = tmp_path / "storage"
    assert stat.S_IMODE((storage / PLACE).stat().st_mode) == 0o600
    repositories = storage / "docker/registry/v2/repositories"
    left = [path for path in repositories.rglob("*/_uploads/*") if path.is_dir()]
    assert left == []
    assert sorted(os.listdir(repositories)) == ["a", "b"]


def test_without_what_its_location_tells_it_is_unknown_after_a_kill(
    tmp_path: Path,
) -> None:
    [begun] = killed(tmp_path, "registry", "a")
    url = urlsplit(begun.location)
    changed = url.query.replace("_state=", "_state=A")
    with restarted(tmp_path, "registry", [begun]) as again:

        def asked(method: str, target: str) -> Answer:
            body = CONTENT if method in {"PATCH", "PUT"} else b""
            target = with_query(target, f"digest={DIGEST}")
            return again.client.request(method, target, body=body)

        for target in (url.path, f"{url.path}?{changed}"):
            for method in ("GET", "PATCH", "PUT", "DELETE"):
                asked(method, target).expect(404)
        elsewhere = begun.location.replace("/v2/a/", "/v2/b/")
        asked("PUT", elsewhere).expect(404)
        asked("PUT", begun.location).expect(201)


def test_where_the_operator_gives_a_secret_it_is_the_one_that_counts(
    tmp_path: Path,
) -> None:
    def serving(secret: str) -> RegistryProcess:
        options = f"http: {{secret: {secret}, relativeurls: true}}\n"
        return RegistryProcess(root=str(tmp_path), options=options)

    with serving("one") as server:
        begun = server.client.start_upload("a")
    with serving("another") as server:
        server.client.get(begun.location).expect(404)
    with serving("one") as server:
        server.client.get(begun.location).expect(204)
