"""What clients do to a registry, as conversations that promise nothing by themselves.

A flow yields requests and is sent the answers, so that the same one runs over a real
socket, against a registry in this process, or in step with others. It notes in
``Promises`` what it asked for and what it was told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TypeVar

import attrs
from promises import HELD, OPEN, Attempt, Key, Promises, Sending, Told

from registry.core.digest import Digest
from registry.testing.client import with_query

T = TypeVar("T")

OCTETS = "application/octet-stream"


@attrs.frozen
class Asked:
    """A request. A body in several pieces is sent without saying how long it is."""

    method: str
    target: str
    body: bytes | Sequence[bytes] = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


@attrs.frozen
class Reply:
    """An answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Ask = Callable[[Asked], Reply]
Flow = Generator[Asked, Reply, T]


class Refused(Exception):
    """The registry did not do what a flow wanted; the flow ended there."""

    def __init__(self, asked: Asked, reply: Reply) -> None:
        super().__init__(f"{asked}: {reply.status} {reply.body[:500]!r}")
        self.asked = asked
        self.reply = reply


def run(flow: Flow[T], ask: Ask) -> T:
    """The result of ``flow``. Raises Refused."""
    try:
        asked = next(flow)
        while True:
            asked = flow.send(ask(asked))
    except StopIteration as end:
        result: T = end.value
        return result


class Flows:
    """The conversations of one client."""

    def __init__(self, promises: Promises) -> None:
        self.promises = promises

    # Blobs

    def push_whole(
        self, name: str, content: bytes, algorithm: str = "sha256"
    ) -> Flow[Digest]:
        """A blob in one POST. Spec: distribution end-4b."""
        digest = Digest.of(content, algorithm)
        attempts = self._blob_attempts(name, content, digest)
        asked = Asked("POST", f"/v2/{name}/blobs/uploads/?digest={digest}", content)
        yield from self._change(asked, attempts, 201)
        return digest

    def push(
        self, name: str, content: bytes, algorithm: str = "sha256"
    ) -> Flow[Digest]:
        """A blob in a POST and a PUT."""
        sending = yield from self.begin(name, content, algorithm)
        return (yield from self.finish(sending, algorithm))

    def push_chunked(
        self, name: str, content: bytes, chunk: int, *, tail: int = 0
    ) -> Flow[Digest]:
        """A blob in chunks, and the last ``tail`` bytes with the PUT."""
        sending = yield from self.begin(name, content)
        while sending.offset < len(content) - tail:
            end = min(sending.offset + chunk, len(content) - tail)
            yield from self.append(sending, end)
        return (yield from self.finish(sending))

    def push_streamed(self, name: str, content: bytes, piece: int) -> Flow[Digest]:
        """A blob in one PATCH of unknown length."""
        sending = yield from self.begin(name, content)
        yield from self.append(sending, len(content), piece=piece)
        return (yield from self.finish(sending))

    def begin(
        self, name: str, content: bytes, algorithm: str = "sha256"
    ) -> Flow[Sending]:
        """A new upload session, for ``content``."""
        self.promises.remember(content, "sha256", algorithm)
        extra = "" if algorithm == "sha256" else f"?digest-algorithm={algorithm}"
        asked = Asked("POST", f"/v2/{name}/blobs/uploads/{extra}")
        since = self.promises.position()
        reply = yield asked
        _require(asked, reply, 202)
        session = reply.headers["docker-upload-uuid"]
        opened = self.promises.begin("upload", name, session, OPEN, since=since)
        sending = Sending(opened.key, content, [self._told(reply, 0)])
        self.promises.sendings[sending.key] = sending
        self.promises.keep(opened)
        return sending

    def append(
        self, sending: Sending, end: int, *, piece: int | None = None
    ) -> Flow[None]:
        """A PATCH up to byte ``end``, in pieces if its length shall not be said."""
        start = sending.offset
        chunk = sending.content[start:end]
        headers = {"Content-Type": OCTETS, "Content-Range": f"{start}-{end - 1}"}
        asked = Asked("PATCH", sending.location, chunk, headers)
        if piece is not None:
            pieces = [chunk[at : at + piece] for at in range(0, len(chunk), piece)]
            headers = {"Content-Type": OCTETS}
            asked = Asked("PATCH", sending.location, pieces, headers)
        sending.sent.append((self.promises.position(), end))
        reply = yield asked
        _require(asked, reply, 202)
        sending.told.append(self._told(reply, end))
        self.promises.acknowledged += 1

    def resume(self, sending: Sending) -> Flow[Digest]:
        """Ask how far the session is, send the rest from there, and end it."""
        asked = Asked("GET", sending.location)
        reply = yield asked
        _require(asked, reply, 204)
        sending.told.append(self._told(reply, told_offset(reply)))
        return (yield from self.finish(sending))

    def finish(self, sending: Sending, algorithm: str = "sha256") -> Flow[Digest]:
        """A PUT with what the session does not hold yet."""
        content, name = sending.content, sending.key.name
        digest = Digest.of(content, algorithm)
        attempts = self._blob_attempts(name, content, digest)
        attempts.append(self._over(sending))
        sending.sent.append((self.promises.position(), len(content)))
        target = with_query(sending.location, f"digest={digest}")
        rest = content[sending.offset :]
        asked = Asked("PUT", target, rest, {"Content-Type": OCTETS})
        yield from self._change(asked, attempts, 201)
        return digest

    def cancel(self, sending: Sending) -> Flow[None]:
        """Give a session up."""
        asked = Asked("DELETE", sending.location)
        yield from self._change(asked, [self._over(sending)], 204)

    def mount(self, name: str, digest: Digest, source: str | None) -> Flow[None]:
        """Have another repository hold a blob that ``source``, or any, holds."""
        given = "" if source is None else f"&from={source}"
        target = f"/v2/{name}/blobs/uploads/?mount={digest}{given}"
        content = self.promises.contents[str(digest)]
        attempts = self._blob_attempts(name, content, digest)
        yield from self._change(Asked("POST", target), attempts, 201)

    def delete_blob(self, name: str, digest: Digest) -> Flow[None]:
        """Take a blob out of a repository, under whatever digest it is there."""
        content = self.promises.contents[str(digest)]
        aliases = [Digest.of(content), Digest.of(content, "sha512")]
        attempts = [
            self.promises.begin("blob", name, alias, None)
            for alias in aliases
            if self.promises.may_be(Key("blob", name, str(alias)), HELD)
        ]
        asked = Asked("DELETE", f"/v2/{name}/blobs/{digest}")
        yield from self._change(asked, attempts, 202)

    # Manifests

    def put_manifest(
        self, name: str, content: bytes, *, tags: Sequence[str] = ()
    ) -> Flow[Digest]:
        """A manifest by its digest, or by the first of ``tags`` and all the others."""
        self.promises.remember(content)
        digest = Digest.of(content)
        media_type = json.loads(content)["mediaType"]
        first, *others = tags or [str(digest)]
        more = "".join(f"&tag={tag}" for tag in others).replace("&", "?", 1)
        attempts = [
            self.promises.begin("manifest", name, digest, HELD),
            *(self.promises.begin("tag", name, tag, str(digest)) for tag in tags),
        ]
        target = f"/v2/{name}/manifests/{first}{more}"
        asked = Asked("PUT", target, content, {"Content-Type": media_type})
        yield from self._change(asked, attempts, 201)
        return digest

    def delete_manifest(self, name: str, digest: Digest) -> Flow[None]:
        """Delete a manifest; tags that point at it go with it."""
        attempt = self.promises.begin("manifest", name, digest, None)
        tags = [
            self.promises.begin("tag", name, key.reference, None)
            for key in self.promises.keys("tag")
            if key.name == name and self.promises.may_be(key, str(digest))
        ]
        asked = Asked("DELETE", f"/v2/{name}/manifests/{digest}")
        try:
            yield from self._change(asked, [attempt], 202)
        finally:
            # whether they still pointed there is for the truth to tell
            for tag in tags:
                self.promises.doubt(tag)

    def delete_tag(self, name: str, tag: str) -> Flow[None]:
        """Delete a tag only."""
        attempt = self.promises.begin("tag", name, tag, None)
        asked = Asked("DELETE", f"/v2/{name}/manifests/{tag}")
        yield from self._change(asked, [attempt], 202)

    def delete_repository(self, name: str) -> Flow[None]:
        """Delete all that a repository is."""
        attempts = [
            self.promises.begin(key.kind, name, key.reference, None)
            for key in self.promises.keys(None)
            if key.name == name and not self.promises.is_sure(key, None)
        ]
        yield from self._change(Asked("DELETE", f"/v2/{name}/"), attempts, 202)

    def _change(
        self, asked: Asked, attempts: Sequence[Attempt], success: int
    ) -> Flow[Reply]:
        """Ask, and note what the answer says about ``attempts``."""
        reply = yield asked
        for attempt in attempts:
            if reply.status == success or _ends(attempt, reply):
                self.promises.keep(attempt)
            elif reply.status < 500:
                self.promises.withdraw(attempt)
            else:
                self.promises.doubt(attempt)
        _require(asked, reply, success)
        return reply

    def _blob_attempts(
        self, name: str, content: bytes, digest: Digest
    ) -> list[Attempt]:
        """A blob is held under its sha256 too, whatever it was pushed under."""
        self.promises.remember(content, "sha256", digest.algorithm)
        names = dict.fromkeys([Digest.of(content), digest])
        return [self.promises.begin("blob", name, each, HELD) for each in names]

    def _told(self, reply: Reply, offset: int) -> Told:
        return Told(self.promises.position(), offset, reply.headers["location"])

    def _over(self, sending: Sending) -> Attempt:
        key = sending.key
        return self.promises.begin("upload", key.name, key.reference, None)


def _ends(attempt: Attempt, reply: Reply) -> bool:
    """Whether a refusal says that what was to go is not there (any more)."""
    is_spoiled = reply.status == 400 and attempt.key.kind == "upload"
    return attempt.value is None and (reply.status == 404 or is_spoiled)


def told_offset(reply: Reply) -> int:
    """How many bytes a session holds, by its Range.

    ``0-0`` is said of none and of one; no flow leaves a session with one.
    """
    last = int(reply.headers["range"].rpartition("-")[2])
    return last + 1 if last else 0


def _require(asked: Asked, reply: Reply, success: int) -> None:
    if reply.status != success:
        raise Refused(asked, reply)
