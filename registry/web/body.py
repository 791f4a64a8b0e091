"""The body of a request, while it arrives.

Bytes go from the channel into a queue that is bounded in bytes: when it is full the
client's socket is paused, and resumed when an endpoint has taken enough. What an
endpoint has taken counts as held until it comes for more. A body is read once, by one
reader. ``100 Continue`` is sent when an endpoint first reads, so a push
that is refused costs no upload. RFC 9110 10.1.1.

What is wrong with a body is raised to its reader: BodyBroken where the client is late
or gone (408), UploadInvalid where it contradicts its own framing (400).
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from twisted.internet.defer import Deferred

from registry.core.errors import SizeInvalid, UploadInvalid
from registry.web.memory import LEAST, Memory


class BodyBroken(Exception):
    """The client went away or stalled before the body ended.

    ``code`` is the specification's, for the endpoint whose body it is.
    """

    def __init__(self, message: str, *, code: str = "BLOB_UPLOAD_INVALID") -> None:
        super().__init__(message)
        self.code = code


class BodyTooLarge(Exception):
    """The body is longer than the endpoint takes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body may have at most {limit} bytes")
        self.limit = limit


class Flow(Protocol):
    """What a body asks of the connection that it arrives on."""

    def wanted(self) -> None:
        """An endpoint reads the body for the first time."""

    def pause(self) -> None:
        """Enough is queued: stop reading from the client."""

    def resume(self) -> None:
        """There is room again."""

    def abort(self) -> None:
        """Drop the connection."""


class Body:
    """A single-use stream of byte strings.

    ``length`` is what Content-Length declared, None for chunked transfer coding.
    ``received`` counts the bytes that arrived, read or not. It ``is_contested`` when
    somebody else waits for its reader to end.
    """

    __slots__ = (
        "_bound",
        "_broken",
        "_chunks",
        "_discarding",
        "_flow",
        "_kept",
        "_least",
        "_lent",
        "_memory",
        "_paused",
        "_queued",
        "_waiting",
        "_wanted",
        "is_complete",
        "is_contested",
        "length",
        "received",
    )

    def __init__(
        self, *, length: int | None, flow: Flow, bound: int, memory: Memory
    ) -> None:
        self.length = length
        self.received = 0
        self.is_complete = False
        self.is_contested = False
        self._flow = flow
        self._bound = bound
        self._memory = memory
        self._lent = 0
        self._kept = 0
        self._least = 1
        self._chunks: deque[bytes] = deque()
        self._queued = 0
        self._paused = False
        self._wanted = False
        self._discarding = False
        self._broken: BodyBroken | UploadInvalid | None = None
        self._waiting: Deferred[None] | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether a reader waits for bytes that the client has not sent."""
        return self._waiting is not None

    @property
    def is_wanted(self) -> bool:
        """Whether anybody has begun to read it."""
        return self._wanted

    @property
    def is_discarding(self) -> bool:
        """Whether what still arrives is dropped."""
        return self._discarding

    @property
    def is_broken(self) -> bool:
        """Whether the rest will never arrive."""
        return self._broken is not None

    async def read(self, limit: int, *, at_least: int = 1) -> list[bytes]:
        """What has arrived, up to about ``limit`` bytes; an empty list at the end.

        Waits for ``at_least`` bytes, unless fewer are to come or held here. Raises
        BodyBroken or UploadInvalid when the rest will never come.
        """
        if not self._wanted:
            self._wanted = True
            if not self.is_complete:
                self._flow.wanted()
        self._memory.held -= self._lent
        self._lent = 0
        self._least = at_least
        while not self._is_enough():
            self._waiting = Deferred()
            await self._waiting
        if self._chunks or self._broken is None:
            return self._take(limit)
        raise self._broken

    def _is_enough(self) -> bool:
        """Whether a reader need not wait."""
        return (
            self._queued >= self._least
            or self._paused
            or self.is_complete
            or self._broken is not None
        )

    async def whole(self, limit: int) -> bytes:
        """All of it, at most ``limit`` bytes; for what is no upload.

        Raises BodyTooLarge, Busy when too much is held, or BodyBroken or SizeInvalid
        when the rest will never come.
        """
        if self.length is not None and self.length > limit:
            raise BodyTooLarge(limit)
        try:
            return await self._whole(limit)
        except BodyBroken as error:
            raise BodyBroken(str(error), code=SizeInvalid.code) from error
        except UploadInvalid as error:
            raise SizeInvalid(error.message) from error

    async def _whole(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while chunks := await self.read(limit):
            parts += chunks
            more = sum(map(len, chunks))
            if size + more > limit:
                raise BodyTooLarge(limit)
            self._kept += self._memory.keep(size, more)
            size += more
        return b"".join(parts)

    def _take(self, limit: int) -> list[bytes]:
        taken: list[bytes] = []
        size = 0
        while self._chunks and size < limit:
            chunk = self._chunks.popleft()
            taken.append(chunk)
            size += len(chunk)
        self._queued -= size
        self._lent = size
        if self._paused and self._queued <= self._bound // 2:
            self._paused = False
            self._flow.resume()
        return taken

    # What the channel tells it.

    def chunk_received(self, data: bytes) -> None:
        """More of it has arrived."""
        size = len(data)
        self.received += size
        if self._discarding:
            return
        self._chunks.append(data)
        self._queued += size
        self._memory.held += size
        if not self._paused and self._is_full():
            self._paused = True
            self._flow.pause()
        if self._waiting is not None and self._is_enough():
            self._wake()

    def _is_full(self) -> bool:
        """Whether it holds all that it may now."""
        queued = self._queued
        if queued >= self._bound:
            return True
        return queued >= LEAST and queued >= self._memory.part

    def completed(self) -> None:
        """The last byte has arrived."""
        self.is_complete = True
        self._wake()

    def broke(self, error: BodyBroken | UploadInvalid) -> None:
        """The rest will never arrive; ``error`` is what its reader shall see."""
        if not self.is_complete and self._broken is None:
            self._broken = error
            self._wake()

    def discard(self) -> None:
        """Nobody needs it any more: drop what is held and what still comes."""
        self._discarding = True
        self._chunks.clear()
        self._memory.held -= self._queued + self._lent
        self._memory.whole -= self._kept
        self._queued = self._lent = self._kept = 0
        if self._paused:
            self._paused = False
            self._flow.resume()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)


class _NoFlow:
    """The flow of a body that has no bytes."""

    def wanted(self) -> None:
        """Nothing is to come."""

    pause = resume = abort = wanted


def _empty_body() -> Body:
    body = Body(length=0, flow=_NoFlow(), bound=0, memory=Memory(limit=0))
    body.completed()
    return body


EMPTY = _empty_body()
"""The body of every request that has none."""
