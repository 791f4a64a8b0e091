"""What was read from files before, kept in memory within a bound.

Every cache here remembers something that only this process changes, so each writer
corrects it exactly and an entry needs no time to live. The one danger is a reader that
read before a writer wrote and remembers afterwards; ``fill`` guards against it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

OVERHEAD = 300
"""Bytes that an entry costs beside its value: the key, the node, small objects."""


class Cache(Generic[K, V]):
    """The most recently used entries, bounded in bytes and, if asked, in number.

    A limit of 0 bytes switches it off: nothing is ever remembered. ``requests`` and
    ``hits`` count how often it was asked, and how often it knew.
    """

    errors = 0
    """How often it failed: memory does not."""

    def __init__(self, *, limit: int, entries: int | None = None) -> None:
        self._limit = limit
        self._entry_limit = entries
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._filling: dict[K, object] = {}
        self.size = 0
        self.requests = 0
        self.hits = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value under ``key``, now the most recently used, or None."""
        self.requests += 1
        entry = self._entries.get(key)
        if entry is None:
            return None
        self.hits += 1
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, cost: int) -> None:
        """Remember ``value``, which takes ``cost`` bytes; the oldest make room."""
        self.drop(key)
        total = cost + OVERHEAD
        if total > self._limit:
            return
        self._entries[key] = (value, total)
        self.size += total
        while self._over_limit():
            _, (_, freed) = self._entries.popitem(last=False)
            self.size -= freed

    def drop(self, key: K) -> None:
        """Forget what is under ``key``, also what a reader is just about to put."""
        self._filling.pop(key, None)
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= entry[1]

    def drop_where(self, matches: Callable[[K], bool]) -> None:
        """Forget every matching key. Looks at all of them, so for rare events only."""
        for key in [*self._entries, *self._filling]:
            if matches(key):
                self.drop(key)

    async def fill(
        self, key: K, read: Callable[[], Awaitable[V]], cost: Callable[[V], int]
    ) -> V:
        """What ``read`` finds, remembered unless ``key`` changed in the meantime.

        The value may have been overtaken by a writer when it is returned, as that of
        any read may; what must not happen is that it stays.
        """
        turn = object()
        self._filling[key] = turn
        try:
            value = await read()
            if self._filling.get(key) is turn:
                self.put(key, value, cost(value))
            return value
        finally:
            if self._filling.get(key) is turn:
                del self._filling[key]

    def _over_limit(self) -> bool:
        if self.size > self._limit:
            return True
        return self._entry_limit is not None and len(self) > self._entry_limit
