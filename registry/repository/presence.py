"""Who is writing in a repository, so that a directory is removed only when nobody is.

``a/b`` lives in the directory of ``a``. Removing the empty directory of ``a`` must not
race with somebody who just makes ``a/b`` in it, or an acknowledged push would vanish.
So whoever makes files in a repository is present in it and in all above it, together
with any number of others; whoever removes its directory waits to be alone there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import attrs
from twisted.internet.defer import Deferred, DeferredLock

from registry.core.name import RepositoryName


@attrs.define
class _Room:
    door: DeferredLock = attrs.field(factory=DeferredLock)
    present: int = 0
    left: Deferred[None] | None = None
    wanted: int = 0


class Presence:
    """Writers together, or one remover alone, by repository."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Room] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    @asynccontextmanager
    async def within(self, name: RepositoryName) -> AsyncIterator[None]:
        """Present in ``name`` and all repositories that it is nested in.

        Entered from the outside in, so that two writers never wait for each other.
        """
        async with AsyncExitStack() as stack:
            for path in _path_down_to(name.text):
                await stack.enter_async_context(self.inside(path))
            yield

    @asynccontextmanager
    async def alone(self, path: str) -> AsyncIterator[None]:
        """Nobody else is present in ``path`` or in what is nested in it."""
        room = self._room(path)
        try:
            await room.door.acquire()
            try:
                await _emptied(room)
                yield
            finally:
                room.door.release()
        finally:
            self._leave(path, room)

    @asynccontextmanager
    async def inside(self, path: str) -> AsyncIterator[None]:
        """Present in ``path`` alone, whatever is above it."""
        room = self._room(path)
        try:
            await room.door.acquire()
            room.present += 1
            room.door.release()
            try:
                yield
            finally:
                _step_out(room)
        finally:
            self._leave(path, room)

    def _room(self, path: str) -> _Room:
        room = self._rooms.setdefault(path, _Room())
        room.wanted += 1
        return room

    def _leave(self, path: str, room: _Room) -> None:
        room.wanted -= 1
        if not room.wanted:
            del self._rooms[path]


def _path_down_to(name: str) -> list[str]:
    """``a``, ``a/b``, ``a/b/c`` of ``a/b/c``."""
    parts = name.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


async def _emptied(room: _Room) -> None:
    if room.present:
        room.left = Deferred()
        await room.left


def _step_out(room: _Room) -> None:
    room.present -= 1
    if not room.present and room.left is not None:
        left, room.left = room.left, None
        left.callback(None)
