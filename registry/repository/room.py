"""Room: whether a push fits on the disk, before its first byte is taken.

A push is promised the bytes that it announces, and the promise is kept until they are
written, so that pushes which fit one by one do not overrun the disk together. What the
disk has free is asked for at most once a second while there is enough, and again before
anybody is refused; what was written since is counted here. A body of unknown length is
promised room piece by piece.

The reserve is what pushes may not use. It is there for what must go on on a full disk:
deletes, and the end of uploads whose bytes are there already.

Counting errs on the side of too much: a byte that is written while the disk is asked
may be counted twice until it is asked the next time.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

import attrs
from twisted.internet.interfaces import IReactorTime

from registry.core.errors import NoRoom
from registry.core.share import Share
from registry.storage.driver import Driver, Space

FRESH = 1.0
"""Seconds for which it is believed what the disk said."""

SHORT = {"bytes": 2 * 1024 * 1024, "files": 24}
"""What is free beside the reserve when it is worth trying to push: a manifest's room,
or that of a piece of a body of unknown length."""

NOTHING = Share(0)

WHAT_TO_DO = "ask the registry's operator to make room, then push again"


@attrs.frozen(kw_only=True)
class Reserve:
    """What pushes leave free."""

    size: Share = NOTHING
    """Bytes."""

    files: Share = NOTHING
    """Files and directories (inodes)."""


@attrs.define
class Amount:
    """Bytes and files."""

    size: int = 0
    files: int = 0


@attrs.frozen(kw_only=True)
class Tally:
    """What a push needs, in one unit, and what there is."""

    unit: str
    needed: int
    free: int
    promised: int
    reserve: int


class Promise:
    """Room that is kept for one push, until it is written or the push ends."""

    def __init__(self, *, room: Room, amount: Amount) -> None:
        self._room = room
        self._left = amount

    async def more(self, size: int) -> None:
        """Keep room for ``size`` more bytes. Raises NoRoom."""
        await self._room.keep(Amount(size))
        self._left.size += size

    def written(self, size: int) -> None:
        """``size`` bytes are on the disk now."""
        taken = min(size, self._left.size)
        self._left.size -= taken
        self._room.written(size, promised=taken)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._room.give_back(self._left)
        self._left = Amount()


class Room:
    """The room below a driver's root, less what is promised and kept in reserve."""

    def __init__(
        self, *, driver: Driver, clock: IReactorTime, reserve: Reserve
    ) -> None:
        self.space: Space | None = None
        self.promised = Amount()
        self.reserve = reserve
        self._driver = driver
        self._clock = clock
        self._measured = float("-inf")
        self._written = 0
        self._counted = 0

    async def promise(self, size: int, *, files: int = 0) -> Promise:
        """``with`` it: room for ``size`` bytes and ``files`` new files. Raises NoRoom.

        Files are counted with the directories that they need, a block each.
        """
        amount = Amount(size, files)
        await self.keep(amount)
        return Promise(room=self, amount=amount)

    async def measure(self) -> None:
        """Ask the disk. Raises StorageFailure."""
        written = self._written
        self.space = await self._driver.space()
        self._counted = written
        self._measured = self._clock.seconds()

    @property
    def shortage(self) -> str | None:
        """Why hardly anything can be pushed, as the disk was last seen; None if not."""
        for tally in self._tallies(Amount()):
            if tally.free < tally.reserve + SHORT[tally.unit]:
                return (
                    f"{tally.free} {tally.unit} are free and {tally.reserve} of them"
                    " are kept in reserve, so pushes are refused with 507; make room on"
                    " the file system of the storage"
                )
        return None

    # For promises.

    async def keep(self, amount: Amount) -> None:
        """Promise ``amount`` to somebody. Raises NoRoom."""
        if self._clock.seconds() - self._measured > FRESH:
            await self.measure()
        if self._refusal(amount) is not None:
            await self.measure()
            refusal = self._refusal(amount)
            if refusal is not None:
                raise refusal
        self.promised.size += amount.size
        self.promised.files += amount.files

    def written(self, size: int, *, promised: int) -> None:
        """``size`` bytes were written, and so many of them had been promised."""
        self._written += size
        self.promised.size -= promised

    def give_back(self, amount: Amount) -> None:
        """``amount`` was promised and is not needed."""
        self.promised.size -= amount.size
        self.promised.files -= amount.files

    def _refusal(self, amount: Amount) -> NoRoom | None:
        """Why there is no room for ``amount``."""
        for tally in self._tallies(amount):
            if tally.needed + tally.promised + tally.reserve > tally.free:
                return _refusal(tally)
        return None

    def _tallies(self, amount: Amount) -> Iterator[Tally]:
        """What ``amount`` needs of what there is; nothing where there is no bound.

        Bytes end in the middle of a block, so they need up to one more.
        """
        space, promised = self.space, self.promised
        if space is None:
            return
        yield Tally(
            unit="bytes",
            needed=amount.size + (amount.files + bool(amount.size)) * space.block,
            free=max(0, space.free - (self._written - self._counted)),
            promised=promised.size + promised.files * space.block,
            reserve=self.reserve.size.of(space.size),
        )
        if space.files is not None and space.free_files is not None:
            yield Tally(
                unit="files",
                needed=amount.files,
                free=space.free_files,
                promised=promised.files,
                reserve=self.reserve.files.of(space.files),
            )


def _refusal(tally: Tally) -> NoRoom:
    return NoRoom(
        f"the registry's storage is full: the push needs {tally.needed} {tally.unit};"
        f" {tally.free} are free, of which {tally.promised} are promised to other"
        f" pushes and {tally.reserve} are kept in reserve; {WHAT_TO_DO}",
        detail=attrs.asdict(tally),
    )
