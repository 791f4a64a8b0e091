"""The same pushes leave the same files, whoever serves them."""

from __future__ import annotations

import re
from pathlib import Path

from registry.testing.client import Client
from registry.testing.images import artifact, image, platforms
from registry.testing.push import push
from registry.testing.servers import SharedDirectory

OURS_ALONE = re.compile(r"(^|/)_(?!layers/|manifests/|uploads/)")
"""Directories that start with _ are private: neither server reads the other's."""
SESSION = re.compile(r"(?<=_uploads/)[^/]+")
STARTED = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_the_same_pushes_leave_the_same_files(
    directory: SharedDirectory, tmp_path: Path
) -> None:
    use(directory.distribution())
    directory.stop()
    theirs = files(Path(directory.storage))
    directory.storage = str(tmp_path / "another")

    use(directory.ours())
    directory.stop()

    ours = files(Path(directory.storage))
    assert sorted(ours) == sorted(theirs)
    assert {path for path in ours if ours[path] != theirs[path]} == set()


def use(client: Client) -> None:
    """One of everything that a client can do."""
    app = image("hello")
    push(client, "team/app", "v1", app)
    push(client, "team/app", "latest", image("newer"))
    push(client, "team/app", "latest", app)
    push(client, "team/list", "v1", platforms("hello"))
    signature = artifact("application/vnd.example.note", b"note", subject=app)
    push(client, "team/app", signature.digest, signature)
    blobs(client)
    deletions(client)
    unfinished(client)


def blobs(client: Client) -> None:
    client.push_blob("blobs", b"")
    client.push_blob("blobs", b"by another name", algorithm="sha512")
    client.push_chunked_blob("blobs", b"chunk" * 200_000)
    shared = client.push_streamed_blob("blobs", b"stream" * 200_000)
    query = f"mount={shared}&from=blobs"
    client.request("POST", f"/v2/mounted/blobs/uploads/?{query}").expect(201)


def deletions(client: Client) -> None:
    dropped = image("dropped")
    push(client, "deleted", "dropped", dropped)
    push(client, "deleted", "kept", image("kept"))
    client.request("DELETE", f"/v2/deleted/manifests/{dropped.digest}").expect(202)
    blob = client.push_blob("deleted", b"unlinked")
    client.request("DELETE", f"/v2/deleted/blobs/{blob}").expect(202)


def unfinished(client: Client) -> None:
    client.start_upload("open").append(b"so far").expect(202)
    client.start_upload("cancelled").cancel().expect(204)


def files(storage: Path) -> dict[str, bytes]:
    """Every file of a storage directory that both servers have a say in.

    Left out are names of sessions, times, and the hash states of Go's own format.
    """
    found = {}
    for file in storage.rglob("*"):
        path = file.relative_to(storage).as_posix()
        if not file.is_file() or OURS_ALONE.search(path) or "/hashstates/" in path:
            continue
        content = file.read_bytes()
        if path.endswith("/startedat"):
            content = STARTED.sub(b"a time", content)
        found[SESSION.sub("session", path)] = content
    return found
