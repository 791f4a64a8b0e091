"""An upload session: which chunk may come next, and how a session ends.

Spec: distribution, Pushing blobs (end-4a to end-6, end-13).
"""

from __future__ import annotations

import enum
import re

import attrs

from registry.core.digest import Digest
from registry.core.errors import (
    DigestInvalid,
    RangeInvalid,
    SizeInvalid,
    UploadInvalid,
    UploadUnknown,
)

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RANGE = re.compile(
    r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/(?:\*|[0-9]{1,18}))?"
)


@attrs.frozen
class SessionId:
    """The name of an upload session: a UUID of any version, in lower case.

    Anything else raises UploadUnknown, for no session can have that name.
    """

    text: str

    def __attrs_post_init__(self) -> None:
        if not _UUID.fullmatch(self.text):
            raise UploadUnknown

    def __str__(self) -> str:
        return self.text


@attrs.frozen
class ChunkRange:
    """Where a client says that its chunk lies: both ends in bytes, inclusive."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> ChunkRange:
        """The range of a ``Content-Range`` header. Raises UploadInvalid.

        The specification says ``0-99``; some clients write ``bytes 0-99/*``.
        """
        found = _RANGE.fullmatch(text.strip())
        if not found:
            raise UploadInvalid(
                "Content-Range of a chunk looks like 0-99, both ends included"
            )
        return cls(int(found[1]), int(found[2]))


def check_chunk(*, offset: int, chunk: ChunkRange | None, length: int | None) -> None:
    """Accept a chunk that continues a session which holds ``offset`` bytes.

    ``length`` is the Content-Length, None where the client streams. Raises
    RangeInvalid for a chunk out of order and SizeInvalid for one that contradicts
    itself. Without ``chunk`` the bytes are simply the next ones.
    """
    if chunk is None:
        return
    if chunk.first != offset or chunk.last < chunk.first:
        raise RangeInvalid(
            f"the upload holds {offset} bytes; continue with a chunk that starts at"
            f" {offset} and does not end before it starts",
            offset=offset,
        )
    span = chunk.last - chunk.first + 1
    if length is not None and length != span:
        raise SizeInvalid(
            f"Content-Range spans {span} bytes and Content-Length says {length}; make"
            " them agree"
        )


class Phase(enum.Enum):
    """Where an upload session stands."""

    OPEN = "open"
    COMMITTED = "committed"
    CANCELLED = "cancelled"


class Event(enum.Enum):
    """What can happen to an upload session."""

    RECEIVE = "receive"
    COMMIT = "commit"
    CANCEL = "cancel"


TRANSITIONS = {
    (Phase.OPEN, Event.RECEIVE): Phase.OPEN,
    (Phase.OPEN, Event.COMMIT): Phase.COMMITTED,
    (Phase.OPEN, Event.CANCEL): Phase.CANCELLED,
}
"""All that is legal. A session that has ended is unknown, whoever asks."""


class Upload:
    """The state of one upload session: its phase and the bytes it holds."""

    def __init__(self, *, size: int = 0) -> None:
        self.phase = Phase.OPEN
        self.size = size

    def received(self, count: int) -> None:
        """``count`` more bytes are in the session. Raises UploadUnknown."""
        if count < 0:
            raise ValueError(f"a chunk cannot have {count} bytes")
        self._advance(Event.RECEIVE)
        self.size += count

    def committed(
        self, digest_expected: Digest, digest_actual: Digest, size: int
    ) -> None:
        """The content, ``size`` bytes of ``digest_actual``, becomes a blob.

        Raises SizeInvalid if that is not what was received: the session stays open.
        Raises DigestInvalid if it is not what the client meant: the session is then
        cancelled, since more bytes cannot mend it. Raises UploadUnknown.
        """
        if self.phase is Phase.OPEN and size != self.size:
            raise SizeInvalid(
                f"the session received {self.size} bytes and holds {size}; ask for its"
                " offset and continue there"
            )
        if digest_expected != digest_actual:
            self._advance(Event.CANCEL)
            raise DigestInvalid(
                f"the content has the digest {digest_actual}, not {digest_expected};"
                " upload it again",
                detail=str(digest_expected),
            )
        self._advance(Event.COMMIT)

    def _advance(self, event: Event) -> None:
        following = TRANSITIONS.get((self.phase, event))
        if following is None:
            raise UploadUnknown
        self.phase = following
