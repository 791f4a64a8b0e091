"""Nothing that a client sends, and nothing in a file, leads out of the root."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from registry.core.digest import Digest
from registry.core.mediatype import OCI_INDEX
from registry.testing.client import Client
from registry.testing.registry_process import WAIT, RegistryProcess
from registry.testing.servers import OURS

SECRET = b"sha256:" + b"5ec2e7" * 10 + b"5ec2"
"""What must not be told; in the form of a link, so that nothing else hides it."""

INDEX = json.dumps(
    {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
).encode()
TREE = "docker/registry/v2"
SESSION = "00000000-0000-4000-8000-000000000001"
HEX = "a" * 64

OUTWARD = (
    *("../../../../../../secret", "..%2f..%2f..%2f..%2fsecret", "%2e%2e/%2e%2e/secret"),
    *("..", ".", "%2e%2e", "....//", "/secret", "//secret", "%2fsecret", "a/../b"),
    *(
        "..\\..\\secret",
        "%5c..%5csecret",
        "a%00b",
        "a%0d%0aX-Evil:%20yes",
        "%c0%ae%c0%ae",
    ),
    *(
        "_uploads",
        "_layers/..",
        "_manifests",
        "a/_uploads",
        "%ff",
        "a%20b",
        "~",
        "$HOME",
    ),
    *("file:///secret", "secret\x7f", "a" * 300, "x/" * 200 + "x"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with something precious beside it."""
    (tmp_path / "secret").write_bytes(SECRET)
    root = tmp_path / "outer/root"
    root.mkdir(parents=True)
    return root


@pytest.fixture
def server(tmp_path: Path, root: Path) -> Iterator[RegistryProcess]:
    delete = "delete: {enabled: true}"
    storage = f"storage: {{filesystem: {{rootdirectory: {root}}}, {delete}}}\n"
    options = storage + "http: {secret: for tests}\n"
    with RegistryProcess(root=str(tmp_path), options=options) as server:
        yield server
        assert "Traceback" not in server.log


def outside(root: Path) -> dict[str, bytes]:
    """Every file around the root, but for those of the test itself."""
    return {
        str(path): path.read_bytes()
        for path in root.parent.parent.rglob("*")
        if path.is_file() and not path.is_relative_to(root) and path.suffix != ".yml"
    }


def targets(text: str) -> Iterator[tuple[str, str]]:
    """Requests with ``text`` wherever a client can say something."""
    query = quote(text, safe="%")
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        yield method, f"/v2/{text}/manifests/latest"
        yield method, f"/v2/a/manifests/{text}"
        yield method, f"/v2/a/manifests/sha256:{text}"
    for method in ("GET", "DELETE"):
        yield method, f"/v2/a/blobs/{text}"
        yield method, f"/v2/a/blobs/sha256:{text}"
        yield method, f"/v2/{text}/blobs/sha256:{HEX}"
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        yield method, f"/v2/a/blobs/uploads/{text}"
        yield method, f"/v2/{text}/blobs/uploads/{SESSION}?digest=sha256:{HEX}"
    yield "POST", f"/v2/{text}/blobs/uploads/"
    yield "POST", f"/v2/a/blobs/uploads/?digest={query}"
    yield "POST", f"/v2/a/blobs/uploads/?mount=sha256:{HEX}&from={query}"
    yield "POST", f"/v2/a/blobs/uploads/?digest-algorithm={query}"
    yield "PUT", f"/v2/a/manifests/latest?tag={query}"
    yield "GET", f"/v2/{text}/tags/list"
    yield "GET", f"/v2/a/tags/list?n=1&last={query}"
    yield "GET", f"/v2/_catalog?n=1&last={query}"
    yield "GET", f"/v2/a/referrers/{text}"
    yield "GET", f"/v2/a/referrers/sha256:{HEX}?artifactType={query}&n=1&last={query}"
    yield "DELETE", f"/v2/{text}"
    yield "GET", f"/{text}"


def ask(port: int, method: str, target: str) -> bytes:
    """All that is answered to a request of exactly these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as connection:
        head = f"{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        body = INDEX if method in ("PUT", "PATCH", "POST") else b""
        head += f"Content-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode("utf-8", "surrogateescape") + body)
        return connection.makefile("rb").read()


def test_no_name_leads_outside(server: RegistryProcess, root: Path) -> None:
    server.client.push_blob("a", b"content")
    server.client.push_manifest("a", "latest", INDEX, OCI_INDEX).expect(201)
    before = outside(root)
    for text in OUTWARD:
        for method, target in targets(text):
            answer = ask(server.port, method, target)
            status = answer.split(b" ", 2)[1]
            assert status < b"500", (method, target, answer)
            assert SECRET not in answer, (method, target)
            assert b"\nX-Evil" not in answer, (method, target)
    assert outside(root) == before
    assert names_below(root) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/"
    )


def names_below(root: Path) -> set[str]:
    """Every character in the paths below the root."""
    return set("".join(str(path.relative_to(root)) for path in root.rglob("*")))


WRONG_LINKS = [
    b"../../../../../../../../secret",
    b"/etc/passwd",
    b"sha256:../../../../../../../../../../secret",
    b"sha256:" + b"../" * 20 + b"secret",
    b"sha256:" + HEX.encode() + b"/../../../../../secret",
    b"sha256:" + HEX.encode() + b"\n",
    b"sha256:" + HEX.encode()[:-1] + b"\0",
    b"..:" + HEX.encode(),
    b"\xff\xfe",
    b"",
]


def test_no_link_file_leads_outside(server: RegistryProcess, root: Path) -> None:
    client = server.client
    pushed = {
        f"r{at}": client.push_blob(f"r{at}", b"content", algorithm="sha512")
        for at in range(len(WRONG_LINKS))
    }
    for name in pushed:
        client.push_manifest(name, "v1", INDEX, OCI_INDEX).expect(201)
    server.stop()
    for name, content in zip(pushed, WRONG_LINKS, strict=True):
        for link in (root / TREE / "repositories" / name).rglob("link"):
            link.write_bytes(content)
    server.start()
    before = outside(root)
    for name, digest in pushed.items():
        for path in (
            f"/v2/{name}/blobs/{digest}",
            f"/v2/{name}/blobs/{Digest.of(b'content')}",
            f"/v2/{name}/manifests/v1",
            f"/v2/{name}/manifests/{Digest.of(INDEX)}",
        ):
            assert SECRET not in client.get(path).expect(503).body
            client.request("DELETE", path).expect(202, 503, 404)
        client.get(f"/v2/{name}/tags/list").expect(200)
        client.get(f"/v2/{name}/referrers/{Digest.of(INDEX)}").expect(200)
        client.request("DELETE", f"/v2/{name}/").expect(202)
    assert outside(root) == before


def test_a_symbolic_link_in_the_place_of_a_file_is_not_followed(
    server: RegistryProcess, root: Path, tmp_path: Path
) -> None:
    """Neither to read nor to write. The log says where it is; a push replaces it."""
    client, secret = server.client, tmp_path / "secret"
    digest = client.push_blob("a", b"x" * 100_000)
    client.push_manifest("a", "v1", INDEX, OCI_INDEX).expect(201)
    session = client.start_upload("a")
    session.append(b"begun").expect(202)
    server.stop()
    for file in list((root / TREE).rglob("*")):
        if file.is_file() and file.name in ("data", "link"):
            file.unlink()
            file.symlink_to(secret)
    server.start()
    for path in (f"/v2/a/blobs/{digest}", "/v2/a/manifests/v1", session.path):
        answer = client.get(path).expect(503)
        assert SECRET not in answer.body
    session.append(b"overwritten").expect(503)
    assert secret.read_bytes() == SECRET
    server.said("a symbolic link is in the way; put the file itself there")
    client.push_blob("a", b"x" * 100_000)
    assert client.blob("a", digest).expect(200).body == b"x" * 100_000
    assert secret.read_bytes() == SECRET


def test_an_operator_may_put_directories_on_another_disk(
    server: RegistryProcess, root: Path, tmp_path: Path
) -> None:
    client = server.client
    before = client.push_blob("a", b"before")
    server.stop()
    for name in ("blobs", "repositories"):
        elsewhere = tmp_path / f"disk-{name}"
        os.rename(root / TREE / name, elsewhere)
        (root / TREE / name).symlink_to(elsewhere)
    server.start()
    assert client.blob("a", before).expect(200).body == b"before"
    after = client.push_blob("a", b"after")
    assert client.blob("a", after).expect(200).body == b"after"
    client.push_manifest("a", "v1", INDEX, OCI_INDEX).expect(201)
    client.request("DELETE", f"/v2/a/blobs/{before}").expect(202)
    client.request("DELETE", "/v2/a/").expect(202)
    assert (root / TREE / "repositories").is_symlink()
    assert list((tmp_path / "disk-repositories").iterdir()) == []


def test_deleting_what_is_a_link_to_a_directory_takes_the_link_away_only(
    server: RegistryProcess, root: Path, tmp_path: Path
) -> None:
    client = server.client
    client.push_manifest("a", "v1", INDEX, OCI_INDEX).expect(201)
    precious = tmp_path / "precious"
    (precious / "current").mkdir(parents=True)
    (precious / "current/link").write_bytes(str(Digest.of(INDEX)).encode())
    tags = root / TREE / "repositories/a/_manifests/tags"
    (tags / "linked").symlink_to(precious)
    client.request("DELETE", "/v2/a/manifests/linked").expect(202)
    assert not (tags / "linked").is_symlink()
    assert (precious / "current/link").exists()


# Modes.


@pytest.mark.parametrize(
    ("umask", "file", "directory"),
    [(0o022, 0o644, 0o755), (0o027, 0o640, 0o750), (0o077, 0o600, 0o700)],
)
def test_modes_are_what_the_umask_leaves_as_in_distribution(
    tmp_path: Path, umask: int, file: int, directory: int
) -> None:
    server = RegistryProcess(
        root=str(tmp_path),
        command=("sh", "-c", f'umask {umask:o}; exec "$@"', "sh", *OURS),
    )
    with server:
        push_everything(server.client)
    for path in (tmp_path / "storage").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.name in ("_registry", "lock", "secret"):
            assert mode == (0o700 if path.is_dir() else 0o600), path
        elif "_registry" not in path.parts:
            assert mode == (directory if path.is_dir() else file), path


def push_everything(client: Client) -> None:
    client.push_blob("a", b"content")
    client.push_manifest("a", "v1", INDEX, OCI_INDEX).expect(201)
    client.start_upload("a").append(b"half").expect(202)
