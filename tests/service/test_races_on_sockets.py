"""Many clients of a real registry at once, each on sockets and threads of its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Barrier

import pytest

from registry.core.digest import Digest
from registry.core.mediatype import OCI_MANIFEST
from registry.testing.client import Answer, Client
from registry.testing.registry_process import WAIT, RegistryProcess

CLIENTS = 8
ROUNDS = 40
DELETING = (
    "storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}\n"
)
LAYERS = [bytes([number]) * 100_000 for number in range(3)]
CONFIG = b"{}"
NAMES = ("a", "a/b")


def manifest(number: int) -> bytes:
    """An image of one of the layers."""
    layer = LAYERS[number % len(LAYERS)]
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": described(CONFIG),
            "layers": [described(layer)],
            "annotations": {"number": str(number)},
        }
    ).encode()


def described(content: bytes) -> dict[str, object]:
    digest = str(Digest.of(content))
    return {"mediaType": "a/b", "digest": digest, "size": len(content)}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RegistryProcess]:
    options = DELETING.format(root=tmp_path / "storage")
    with RegistryProcess(root=str(tmp_path), options=options) as server:
        yield server
        assert "level=error" not in server.log
        assert "Traceback" not in server.log


def at_once(work: Callable[[int], Answer]) -> list[Answer]:
    """What ``work`` gets when all clients do it in the same moment."""
    ready = Barrier(CLIENTS, timeout=WAIT)

    def one(number: int) -> Answer:
        ready.wait()
        return work(number)

    with ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(one, range(CLIENTS), timeout=WAIT))


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def test_of_many_chunks_for_one_place_one_is_taken(server: RegistryProcess) -> None:
    session = server.client.start_upload("a")

    def patch(number: int) -> Answer:
        headers = {"Content-Range": "0-999"}
        body = bytes([number]) * 1000
        path = session.path
        return server.client.request("PATCH", path, body=body, headers=headers)

    answers = at_once(patch)
    assert statuses(answers) == {202: 1, 416: CLIENTS - 1}
    assert {answer.header("Range") for answer in answers} == {"0-999"}
    winner = next(n for n, answer in enumerate(answers) if answer.status == 202)
    session.commit(bytes([winner]) * 1000)


def test_of_many_ends_of_one_upload_one_makes_the_blob(
    server: RegistryProcess,
) -> None:
    session = server.client.start_upload("a")
    path = f"{session.path}?digest={Digest.of(LAYERS[1])}"
    answers = at_once(lambda _: server.client.request("PUT", path, body=LAYERS[1]))
    assert statuses(answers) == {201: 1, 404: CLIENTS - 1}
    blob = server.client.blob("a", Digest.of(LAYERS[1])).expect(200)
    assert blob.body == LAYERS[1]


def test_of_many_who_delete_one_tag_one_finds_it(server: RegistryProcess) -> None:
    push(server.client, "a", "v1", 0)
    path = "/v2/a/manifests/v1"
    answers = at_once(lambda _: server.client.request("DELETE", path))
    assert statuses(answers) == {202: 1, 404: CLIENTS - 1}


def test_of_many_who_make_one_new_tag_one_does(server: RegistryProcess) -> None:
    push(server.client, "a", "base", 0)

    def put(number: int) -> Answer:
        headers = {"Content-Type": OCI_MANIFEST, "If-None-Match": "*"}
        body = manifest(3 * number)
        path = "/v2/a/manifests/new"
        return server.client.request("PUT", path, body=body, headers=headers)

    answers = at_once(put)
    assert statuses(answers) == {201: 1, 412: CLIENTS - 1}
    winner = next(n for n, answer in enumerate(answers) if answer.status == 201)
    assert server.client.manifest("a", "new").body == manifest(3 * winner)


def test_one_blob_pushed_by_many_is_there_for_each(server: RegistryProcess) -> None:
    digest = Digest.of(LAYERS[2])

    def put(number: int) -> Answer:
        path = f"/v2/r{number % 3}/blobs/uploads/?digest={digest}"
        return server.client.request("POST", path, body=LAYERS[2])

    assert statuses(at_once(put)) == {201: CLIENTS}
    for number in range(3):
        assert server.client.blob(f"r{number}", digest).body == LAYERS[2]


def push(client: Client, name: str, tag: str, number: int) -> Answer:
    for content in (CONFIG, LAYERS[number % len(LAYERS)]):
        path = f"/v2/{name}/blobs/uploads/?digest={Digest.of(content)}"
        # 404: somebody removed the repository while it was being pushed to
        client.request("POST", path, body=content).expect(201, 404)
    return client.push_manifest(name, tag, manifest(number), OCI_MANIFEST)


class Visitor:
    """A client that does anything, and checks that what it is told can be true."""

    def __init__(self, client: Client, seed: int) -> None:
        self._client = client
        self._random = Random(seed)

    def visit(self) -> None:
        deeds = [self.push, self.push, self.pull, self.mount, self.untag]
        deeds += [self.delete_blob, self.delete_manifest, self.remove, self.look]
        for _ in range(ROUNDS):
            self._random.choice(deeds)()

    def push(self) -> None:
        number, tag = self._random.randrange(6), self._random.choice(("v1", "v2"))
        # somebody may have deleted a blob that this has just pushed
        push(self._client, self.name, tag, number).expect(201, 400)

    def pull(self) -> None:
        answer = self._client.manifest(self.name, "v1").expect(200, 404)
        if answer.status == 200:
            digest = answer.header("Docker-Content-Digest")
            assert str(Digest.of(answer.body)) == digest

    def mount(self) -> None:
        content = self._random.choice(LAYERS)
        at = f"/v2/{self.name}/blobs/uploads/?mount={Digest.of(content)}&from=a"
        answer = self._client.request("POST", at).expect(201, 202)
        if answer.status == 202:
            self._client.request("DELETE", answer.header("Location")).expect(204, 404)

    def untag(self) -> None:
        path = f"/v2/{self.name}/manifests/v2"
        self._client.request("DELETE", path).expect(202, 404)

    def delete_blob(self) -> None:
        digest = Digest.of(self._random.choice(LAYERS))
        path = f"/v2/{self.name}/blobs/{digest}"
        self._client.request("DELETE", path).expect(202, 404)

    def delete_manifest(self) -> None:
        digest = Digest.of(manifest(self._random.randrange(6)))
        path = f"/v2/{self.name}/manifests/{digest}"
        self._client.request("DELETE", path).expect(202, 404)

    def remove(self) -> None:
        if self._random.random() < 0.2:
            path = f"/v2/{self.name}/"
            self._client.request("DELETE", path).expect(202, 404)

    def look(self) -> None:
        self._client.get(f"/v2/{self.name}/tags/list").expect(200, 404)
        self._client.get("/v2/_catalog").expect(200)

    @property
    def name(self) -> str:
        return self._random.choice(NAMES)


def everything(client: Client) -> list[object]:
    """All that clients can see, checked against its digests."""
    seen: list[object] = [client.catalog()]
    for name in NAMES:
        listed = client.get(f"/v2/{name}/tags/list").expect(200, 404)
        seen.append(listed.body)
        for tag in listed.json().get("tags", []):
            answer = client.manifest(name, tag).expect(200)
            digest = answer.header("Docker-Content-Digest")
            assert str(Digest.of(answer.body)) == digest
            seen.append((name, tag, digest))
        for content in (CONFIG, *LAYERS):
            blob = client.blob(name, Digest.of(content)).expect(200, 404)
            assert blob.status == 404 or blob.body == content
            seen.append((name, blob.status))
    return seen


def test_whatever_many_do_at_once_memory_and_files_agree(
    server: RegistryProcess,
) -> None:
    visitors = [Visitor(server.client, seed) for seed in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as threads:
        for done in [threads.submit(visitor.visit) for visitor in visitors]:
            done.result(10 * WAIT)
    before = everything(server.client)
    assert server.stop() == 0
    server.start()
    assert everything(server.client) == before
