"""A driver whose every call is timed, for ``registry_storage_action_seconds``.

The actions have Distribution's names, for whoever has dashboards of them. A list of
changes counts as what it does at last: a Move ends an upload, a Put makes a link.

Source: Distribution ``storagedriver/base``, ``metrics``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from registry.core.digest import Hasher
from registry.service.numbers import Histogram
from registry.storage.driver import (
    Appender,
    Change,
    Content,
    Driver,
    Move,
    Pace,
    Remove,
    Space,
)

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Upper bounds in seconds, as Distribution has them."""

ACTIONS = (
    *("GetContent", "PutContent", "Reader", "Writer"),
    *("Stat", "List", "Move", "Delete"),
)


class TimedDriver:
    """``driver``, and in ``seconds`` how long it took, by action.

    ``now`` is a clock that only goes forward, in seconds. What fails counts too.
    """

    def __init__(self, *, driver: Driver, now: Callable[[], float]) -> None:
        self.seconds = {action: Histogram(BOUNDS) for action in ACTIONS}
        self._driver = driver
        self._now = now

    async def read(self, path: str) -> bytes:
        """See ``Driver``."""
        with self._timed("GetContent"):
            return await self._driver.read(path)

    async def read_many(self, paths: Sequence[str]) -> list[bytes | None]:
        """See ``Driver``."""
        with self._timed("GetContent"):
            return await self._driver.read_many(paths)

    async def sizes(self, paths: Sequence[str]) -> list[int | None]:
        """See ``Driver``."""
        with self._timed("Stat"):
            return await self._driver.sizes(paths)

    async def written(self, paths: Sequence[str]) -> list[int | None]:
        """See ``Driver``."""
        with self._timed("Stat"):
            return await self._driver.written(paths)

    async def names(self, path: str) -> list[str]:
        """See ``Driver``."""
        with self._timed("List"):
            return await self._driver.names(path)

    async def open(self, path: str) -> Content:
        """See ``Driver``."""
        with self._timed("Reader"):
            return await self._driver.open(path)

    async def append_to(self, path: str, *, after: Sequence[Change] = ()) -> Appender:
        """See ``Driver``."""
        with self._timed("Writer"):
            return await self._driver.append_to(path, after=after)

    async def digest_of(
        self, path: str, hashers: Sequence[Hasher], pace: Pace | None = None
    ) -> int:
        """See ``Driver``."""
        with self._timed("Reader"):
            return await self._driver.digest_of(path, hashers, pace)

    async def apply(self, changes: Sequence[Change]) -> None:
        """See ``Driver``."""
        with self._timed(_action(changes)):
            await self._driver.apply(changes)

    async def settle(self) -> None:
        """See ``Driver``."""
        await self._driver.settle()

    async def probe(self) -> None:
        """See ``Driver``."""
        await self._driver.probe()

    async def space(self) -> Space | None:
        """See ``Driver``."""
        return await self._driver.space()

    async def close(self) -> None:
        """See ``Driver``."""
        await self._driver.close()

    def _timed(self, action: str) -> _Timed:
        return _Timed(self.seconds[action], self._now)


class _Timed:
    """One call, from its making to the end of the ``with``."""

    def __init__(self, seconds: Histogram, now: Callable[[], float]) -> None:
        self._seconds = seconds
        self._now = now
        self._begun = now()

    def __enter__(self) -> None:
        """It has begun already."""

    def __exit__(self, *_: object) -> None:
        self._seconds.observe(self._now() - self._begun)


def _action(changes: Sequence[Change]) -> str:
    for change in changes:
        if isinstance(change, Move):
            return "Move"
        if isinstance(change, Remove):
            return "Delete"
    return "PutContent"
