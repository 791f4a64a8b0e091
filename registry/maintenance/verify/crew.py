"""A crew: coroutines that run at the same time, at most so many."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.python.failure import Failure


class Crew:
    """Takes work as soon as somebody is free for it, so nothing piles up."""

    def __init__(self, *, size: int) -> None:
        self._size = size
        self._free = DeferredSemaphore(size)
        self._running: set[Deferred[None]] = set()
        self._failure: Failure | None = None

    async def take(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin ``work`` when somebody is free. Raises what earlier work has raised."""
        await self._free.acquire()
        if self._failure is not None:
            self._free.release()
            self._failure.raiseException()
        running = Deferred.fromCoroutine(work())
        self._running.add(running)
        running.addErrback(self._failed)
        running.addBoth(self._ended, running)

    async def finish(self) -> None:
        """Wait until all is done. Raises the first failure."""
        for _ in range(self._size):
            await self._free.acquire()
        for _ in range(self._size):
            self._free.release()
        if self._failure is not None:
            self._failure.raiseException()

    def cancel(self) -> None:
        """Give up what is running."""
        for running in list(self._running):
            running.cancel()

    def _failed(self, failure: Failure) -> None:
        if self._failure is None:
            self._failure = failure

    def _ended(self, _: object, running: Deferred[None]) -> None:
        self._running.discard(running)
        self._free.release()
