"""Short locks in memory, one per thing that is changed.

One process writes, so these are all the locks there are. A lock is held by repository,
by blob of a repository, or by upload session; never for the whole store.

Order, to rule out deadlock: a session, then a blob, then a repository, then
``presence``. Whoever holds one may take a later one only.
"""

from __future__ import annotations

from collections.abc import Hashable
from types import TracebackType

from twisted.internet.defer import DeferredLock


class Locks:
    """A lock for every key, which exists only while somebody wants it."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, DeferredLock] = {}

    def __len__(self) -> int:
        return len(self._locks)

    def is_held(self, key: Hashable) -> bool:
        """Whether somebody holds ``key`` now, or is about to."""
        return key in self._locks

    def hold(self, key: Hashable) -> Hold:
        """``async with`` it: alone with ``key``, in the order of asking."""
        return Hold(locks=self._locks, key=key)


class Hold:
    """One holding of one lock."""

    def __init__(self, *, locks: dict[Hashable, DeferredLock], key: Hashable) -> None:
        self._locks = locks
        self._key = key
        self._lock: DeferredLock | None = None

    async def __aenter__(self) -> None:
        self._lock = self._locks.get(self._key)
        if self._lock is None:
            self._lock = self._locks[self._key] = DeferredLock()
        await self._lock.acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        lock = self._lock
        if lock is None:
            return
        lock.release()
        # release() runs those who waited; the last of them may have forgotten this
        # lock already, and somebody else may hold another one under the same key
        if not lock.locked and self._locks.get(self._key) is lock:
            del self._locks[self._key]
