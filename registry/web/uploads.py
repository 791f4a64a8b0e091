"""``/v2/<name>/blobs/uploads/``: push a blob at once, in chunks, or by mounting it.

Spec: distribution end-4a to end-6, end-11, end-13, end-14.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import attrs

from registry.auth.authenticator import Authenticator
from registry.core.digest import CANONICAL, Digest
from registry.core.errors import DigestInvalid, RangeInvalid, UploadUnknown
from registry.core.name import RepositoryName
from registry.core.route import Kind, Route
from registry.core.upload import ChunkRange
from registry.repository.blank import Blank
from registry.repository.blobs import Blob, Blobs
from registry.repository.receiving import Receiver
from registry.repository.room import Promise, Room
from registry.repository.uploads import Uploads, UploadStatus
from registry.web.api import Endpoints
from registry.web.body import Body
from registry.web.claims import Claims
from registry.web.location import Locations
from registry.web.problem import problem
from registry.web.request import Request
from registry.web.response import Response, header_lines
from registry.web.session_state import SessionStates

BATCH = 1024 * 1024
"""Bytes that go to a worker at a time: one turn hashes and writes them."""

AWAITED = 512 * 1024
"""Bytes that are waited for before they go to a worker: a body that drips is not worth
a turn for each byte."""

TAIL = 64 * 1024
"""Bytes of a last chunk that the commit writes: hashing them takes no time."""

FILES = 16
"""Files and directories that a push of a blob may make, in a new repository too."""


@attrs.frozen(kw_only=True)
class UploadEndpoints:
    """The endpoints of uploads."""

    blobs: Blobs
    uploads: Uploads
    room: Room
    authenticator: Authenticator | None
    locations: Locations
    states: SessionStates
    claims: Claims = attrs.field(factory=Claims)

    def table(self) -> Endpoints:
        """The endpoints by method."""
        return {
            Kind.UPLOADS: {"POST": self.post},
            Kind.UPLOAD: {
                "GET": self.get,
                "HEAD": self.get,
                "PATCH": self.patch,
                "PUT": self.put,
                "DELETE": self.delete,
            },
        }

    async def post(self, request: Request, route: Route) -> Response:
        """Mount a blob, take a whole one, or begin an upload."""
        name = route.repository
        mount = request.parameter("mount")
        given = mount or request.parameter("digest")
        digest = Digest.parse(given) if given else None
        is_whole = digest is not None and not mount
        size = (request.body.length or 0) if is_whole else 0
        with await self.room.promise(size, files=FILES) as promise:
            if digest is not None and is_whole:
                return await self._take_whole(request, name, digest, promise)
            if digest is not None:
                blob = await self._mount(request, name, digest)
                if blob is not None:
                    return self._created(request, name, blob)
            algorithm = request.parameter("digest-algorithm") or CANONICAL
            status = await self.uploads.start(name, algorithm=algorithm)
            return self._progress(202, request, name, status)

    async def _mount(
        self, request: Request, name: RepositoryName, digest: Digest
    ) -> Blob | None:
        """The blob from the repository that ``from`` names, or from any other."""
        given = request.parameter("from")
        source = RepositoryName(given) if given else None

        async def readable(candidate: RepositoryName) -> bool:
            if self.authenticator is None:
                return True
            return await self.authenticator.may_read(request.principal, candidate.text)

        return await self.blobs.mount(name, digest, source=source, readable=readable)

    async def _take_whole(
        self, request: Request, name: RepositoryName, digest: Digest, promise: Promise
    ) -> Response:
        """A blob in a single POST. Spec: distribution end-4b."""
        session = (await self.uploads.start(name, algorithm=digest.algorithm)).id
        try:
            blob = await self._finish(request, name, session, digest, promise)
        except Exception:
            with suppress(UploadUnknown):
                await self.uploads.cancel(name, session)
            raise
        return self._created(request, name, blob)

    async def get(self, request: Request, route: Route) -> Response:
        """How far the upload has come."""
        name = route.repository
        told = self._told(request, name, route.reference)
        status = await self.uploads.status(name, route.reference, told=told)
        return self._progress(204, request, name, status)

    async def patch(self, request: Request, route: Route) -> Response:
        """The next chunk."""
        name, session = route.repository, route.reference
        try:
            async with self._receive(request, name, session, is_last=False) as receiver:
                pass
        except RangeInvalid as error:
            return self._out_of_order(request, name, session, error)
        status = UploadStatus(session, receiver.offset, None, receiver.blank)
        return self._progress(202, request, name, status)

    async def put(self, request: Request, route: Route) -> Response:
        """The last chunk, if any, and the end: the session becomes a blob."""
        name, session = route.repository, route.reference
        given = request.parameter("digest")
        if not given:
            raise DigestInvalid("a PUT that ends an upload needs ?digest=<digest>")
        digest = Digest.parse(given)
        try:
            blob = await self._finish(request, name, session, digest)
        except RangeInvalid as error:
            return self._out_of_order(request, name, session, error)
        return self._created(request, name, blob)

    async def delete(self, request: Request, route: Route) -> Response:
        """Give the upload up."""
        name, session = route.repository, route.reference
        with self.claims.claim(name.text, session, request.body):
            told = self._told(request, name, session)
            await self.uploads.cancel(name, session, told=told)
        return Response(204, header_lines(("Docker-Upload-UUID", route.reference)))

    async def _finish(
        self,
        request: Request,
        name: RepositoryName,
        session: str,
        digest: Digest,
        promise: Promise | None = None,
    ) -> Blob:
        """Stream the body to the session and make a blob of it, with no one between."""
        async with self._receive(
            request, name, session, is_last=True, promise=promise
        ) as receiver:
            return await self.uploads.commit(name, session, digest, receiver=receiver)

    @asynccontextmanager
    async def _receive(
        self,
        request: Request,
        name: RepositoryName,
        session: str,
        *,
        is_last: bool,
        promise: Promise | None = None,
    ) -> AsyncIterator[Receiver]:
        """Stream the body to the session, and stay alone with it.

        A commit flushes what is last, and writes it too if it is short. Nothing is
        read of a body that does not belong at the end of the session, or for which
        there is no room; ``promise`` is what it has already. Raises RangeInvalid and
        NoRoom.
        """
        body, chunk = request.body, _chunk(request)
        receiving = self.uploads.receive(
            name,
            session,
            chunk=chunk,
            length=body.length,
            flush=not is_last,
            holds=TAIL if is_last else 0,
            told=self._told(request, name, session),
        )
        with self.claims.claim(name.text, session, body):
            async with receiving as receiver:
                if chunk is None and body.length != 0:
                    self._check_state(request, name, session, receiver.offset)
                if promise is not None:
                    await _store(body, receiver, promise)
                elif body.length != 0:
                    size = body.length or 0
                    with await self.room.promise(size, files=FILES) as kept:
                        await _store(body, receiver, kept)
                yield receiver

    def _check_state(
        self, request: Request, name: RepositoryName, session: str, offset: int
    ) -> None:
        """Refuse a chunk that repeats one whose answer was lost.

        Only the state tells, where the client does not say which bytes they are.
        """
        state = request.parameter("_state")
        told = self.states.offset(state, name=name.text, session=session)
        if told is not None and told != offset:
            raise RangeInvalid(
                f"the session has moved on to byte {offset}; go on from there, at the"
                " Location of this answer",
                offset=offset,
            )

    def _told(
        self, request: Request, name: RepositoryName, session: str
    ) -> Blank | None:
        """What the client proves of a session that may be blank."""
        state = request.parameter("_state")
        return self.states.blank(state, name=name.text, session=session)

    # Answers.

    def _created(self, request: Request, name: RepositoryName, blob: Blob) -> Response:
        digest = str(blob.digest)
        location = self.locations.blob(request, name.text, digest)
        return Response(
            201,
            header_lines(("Location", location), ("Docker-Content-Digest", digest)),
        )

    def _progress(
        self, code: int, request: Request, name: RepositoryName, status: UploadStatus
    ) -> Response:
        return Response(code, header_lines(*self._where(request, name, status)))

    def _out_of_order(
        self, request: Request, name: RepositoryName, session: str, error: RangeInvalid
    ) -> Response:
        """416, with what the client needs to go on."""
        told = self._told(request, name, session)
        status = UploadStatus(session, error.offset, None, told)
        return problem(error, *self._where(request, name, status))

    def _where(
        self, request: Request, name: RepositoryName, status: UploadStatus
    ) -> list[tuple[str, str]]:
        """Where the upload goes on, and after which byte."""
        state = self.states.seal(
            name=name.text,
            session=status.id,
            offset=status.offset,
            blank=None if status.offset else status.blank,
        )
        location = self.locations.upload(request, name.text, status.id, state)
        return [
            ("Location", location),
            ("Range", f"0-{max(0, status.offset - 1)}"),
            ("Docker-Upload-UUID", status.id),
        ]


async def _store(body: Body, receiver: Receiver, promise: Promise) -> None:
    """Append all of ``body``. One of unknown length gets room as it comes."""
    while chunks := await body.read(BATCH, at_least=AWAITED):
        size = sum(map(len, chunks))
        if body.length is None:
            await promise.more(size)
        await receiver.append(chunks)
        promise.written(size)


def _chunk(request: Request) -> ChunkRange | None:
    """The chunk that Content-Range announces, if it is there."""
    given = request.header(b"content-range")
    return None if given is None else ChunkRange.parse(given)
