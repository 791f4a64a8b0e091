"""Requests that the tests of the channel send, and content that they are about."""

from __future__ import annotations

from registry.core.digest import Digest
from registry.testing.harness import HOST, Harness, request_bytes

NAME = "team/app"


def get(path: str = "/v2/", *, method: str = "GET", **headers: str) -> bytes:
    """A request without a body; ``If_Range`` stands for ``If-Range``."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return request_bytes(method, path, headers=given)


def chunked(*pieces: bytes, trailers: bytes = b"") -> bytes:
    """A body in chunked transfer coding."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + trailers + b"\r\n"


def patch(path: str, body: bytes, **headers: str) -> bytes:
    """A PATCH with a length."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return request_bytes("PATCH", path, headers=given, body=body)


def patch_chunked(path: str, *pieces: bytes, trailers: bytes = b"") -> bytes:
    """A PATCH in chunks."""
    return request_bytes(
        "PATCH",
        path,
        headers={"Transfer-Encoding": "chunked"},
        body=chunked(*pieces, trailers=trailers),
    )


def push(harness: Harness, content: bytes, *, name: str = NAME) -> str:
    """The path of a blob that is now there."""
    digest = Digest.of(content)
    path = f"/v2/{name}/blobs/uploads/?digest={digest}"
    answer = harness.request("POST", path, body=content)
    assert answer.status == 201, answer
    return f"/v2/{name}/blobs/{digest}"


def begin(harness: Harness, *, name: str = NAME) -> str:
    """The path of a new upload session."""
    answer = harness.request("POST", f"/v2/{name}/blobs/uploads/")
    assert answer.status == 202, answer
    location = answer.header("location")
    assert location is not None
    return location.removeprefix(f"http://{HOST}").partition("?")[0]


def offset(harness: Harness, session: str) -> int:
    """How many bytes a session says that it holds, after those that it really holds."""
    answer = harness.request("GET", session)
    assert answer.status == 204, answer
    told = answer.header("range")
    assert told is not None
    last = int(told.removeprefix("0-"))
    return last + 1 if last else held(harness, session)


def held(harness: Harness, session: str) -> int:
    """How many bytes a session holds, by its file (0-0 tells zero and one byte)."""
    name, _, identity = session.removeprefix("/v2/").partition("/blobs/uploads/")
    path = f"docker/registry/v2/repositories/{name}/_uploads/{identity}/data"
    file = harness.driver._present(path)
    return 0 if file is None else len(file)
