"""A client for tests: the API of a running registry, one call per endpoint.

Blocking and built on ``http.client``, so that a test of a real process shares no code
with the registry it asks. Used only where the registry runs in another process.

Read next: ``programs.py`` (what runs there), ``images.py`` (what is pushed).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPMessage
from typing import Any
from urllib.parse import urlsplit

import attrs

from registry.core.digest import Digest

CHUNK = 256 * 1024
"""Bytes of a chunk when a blob is pushed in several."""

OCTETS = "application/octet-stream"

ACCEPTED = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
"""All that a manifest may be."""

Body = bytes | Iterable[bytes]


@attrs.frozen
class Answer:
    """What a registry said to one request."""

    request: str
    status: int
    headers: HTTPMessage
    body: bytes

    def expect(self, *statuses: int) -> Answer:
        """The answer itself if its status is one of these, else a failure with it."""
        wanted = " or ".join(map(str, statuses))
        assert self.status in statuses, (
            f"{self.request}: {self.status} where {wanted} was expected:"
            f" {self.body[:500]!r}"
        )
        return self

    def header(self, name: str) -> str:
        """A header of this answer; a failure when it is not there."""
        value = self.headers.get(name)
        assert value is not None, f"{self.request}: no {name} in the answer"
        return value

    def json(self) -> dict[str, Any]:
        """The body, which is a JSON object."""
        document: dict[str, Any] = json.loads(self.body)
        return document


def with_query(location: str, query: str) -> str:
    """``location`` with one more parameter, which must be in quoted form."""
    return f"{location}{'&' if '?' in location else '?'}{query}"


class Client:
    """One registry on this machine; a new connection for every request."""

    def __init__(self, *, port: int, timeout: float = 30.0) -> None:
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self._timeout = timeout

    def request(
        self,
        method: str,
        target: str,
        *,
        body: Body = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to one request. ``target`` may be a URL: its host is ignored.

        An iterable body is sent with chunked transfer coding.
        """
        url = urlsplit(target)
        path = f"{url.path}?{url.query}" if url.query else url.path
        with closing(self._connection()) as connection:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            said = f"{method} {path}"
            return Answer(said, answer.status, answer.headers, answer.read())

    def _connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=self._timeout)

    def get(self, target: str, **headers: str) -> Answer:
        """The answer to a plain GET, with the headers given by keyword."""
        return self.request("GET", target, headers=headers)

    # Blobs

    def blob(self, name: str, digest: Digest) -> Answer:
        """GET of a blob."""
        return self.get(f"/v2/{name}/blobs/{digest}")

    def start_upload(self, name: str) -> Session:
        """A new upload session."""
        answer = self.request("POST", f"/v2/{name}/blobs/uploads/").expect(202)
        return Session(client=self, location=answer.header("Location"))

    def push_blob(
        self, name: str, content: bytes, *, algorithm: str = "sha256"
    ) -> Digest:
        """Push in two requests: POST, then PUT with all of the content."""
        digest = Digest.of(content, algorithm)
        self.start_upload(name).finish(digest, content).expect(201)
        return digest

    def push_chunked_blob(self, name: str, content: bytes) -> Digest:
        """Push in chunks, each with its Content-Range."""
        session = self.start_upload(name)
        for start in range(0, len(content), CHUNK):
            session.append(content[start : start + CHUNK], start=start).expect(202)
        return session.commit(content)

    def push_streamed_blob(self, name: str, content: bytes) -> Digest:
        """Push in one PATCH of unknown length."""
        session = self.start_upload(name)
        session.stream(_pieces(content)).expect(202)
        return session.commit(content)

    # Manifests

    def manifest(self, name: str, reference: object) -> Answer:
        """GET of a manifest, whatever its type."""
        return self.get(f"/v2/{name}/manifests/{reference}", Accept=", ".join(ACCEPTED))

    def push_manifest(
        self, name: str, reference: object, content: bytes, media_type: str
    ) -> Answer:
        """PUT of a manifest by tag or digest."""
        target = f"/v2/{name}/manifests/{reference}"
        return self.request(
            "PUT", target, body=content, headers={"Content-Type": media_type}
        )

    def tags(self, name: str) -> list[str]:
        """The tags of a repository, in the order of the registry."""
        tags: list[str] = self.get(f"/v2/{name}/tags/list").expect(200).json()["tags"]
        return tags

    def catalog(self) -> list[str]:
        """The repositories of the registry, in its order."""
        names: list[str] = self.get("/v2/_catalog").expect(200).json()["repositories"]
        return names

    def referrers(self, name: str, digest: Digest) -> list[dict[str, Any]]:
        """Descriptors of the manifests whose subject is ``digest``."""
        answer = self.get(f"/v2/{name}/referrers/{digest}").expect(200)
        listed: list[dict[str, Any]] = answer.json()["manifests"]
        return listed


class Session:
    """An upload under way; follows the Location of each answer."""

    def __init__(self, *, client: Client, location: str) -> None:
        self.client = client
        self.location = location

    @property
    def path(self) -> str:
        """Where the session is, without the parameters a registry added."""
        return urlsplit(self.location).path

    @property
    def identifier(self) -> str:
        """The name of the session, and of its directory."""
        return self.path.rsplit("/", 1)[1]

    def append(self, content: bytes, *, start: int | None = None) -> Answer:
        """PATCH of one chunk; with ``start``, saying which bytes it is."""
        headers = {"Content-Type": OCTETS}
        if start is not None:
            headers["Content-Range"] = f"{start}-{start + len(content) - 1}"
        return self._follow("PATCH", content, headers)

    def stream(self, pieces: Iterable[bytes]) -> Answer:
        """PATCH of a body whose length is not said."""
        return self._follow("PATCH", pieces, {"Content-Type": OCTETS})

    def finish(self, digest: Digest, content: bytes = b"") -> Answer:
        """PUT that ends the upload, with the last of its bytes."""
        return self.client.request(
            "PUT",
            with_query(self.location, f"digest={digest}"),
            body=content,
            headers={"Content-Type": OCTETS},
        )

    def commit(self, content: bytes) -> Digest:
        """End an upload that holds all of ``content`` already; its digest."""
        digest = Digest.of(content)
        self.finish(digest).expect(201)
        return digest

    def cancel(self) -> Answer:
        """DELETE of the session."""
        return self.client.request("DELETE", self.location)

    def offset(self) -> int:
        """How many bytes the session holds, as the registry says."""
        answer = self.client.get(self.location).expect(204)
        return int(answer.header("Range").rpartition("-")[2]) + 1

    def _follow(self, method: str, body: Body, headers: dict[str, str]) -> Answer:
        answer = self.client.request(method, self.location, body=body, headers=headers)
        self.location = answer.headers.get("Location") or self.location
        return answer


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]
