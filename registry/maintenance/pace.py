"""The pace of work in the background: so many bytes in a second, whoever reads them."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater


class Pace:
    """Awaited with the number of bytes just read; ``rate`` 0 means no bound.

    Everybody else gets their turn each time, whatever the rate.
    """

    def __init__(self, *, clock: IReactorTime, rate: float) -> None:
        self._clock = clock
        self._rate = rate
        self._free_at = 0.0

    async def __call__(self, count: int) -> None:
        """Wait until ``count`` bytes may have been read."""
        now = self._clock.seconds()
        if self._rate:
            self._free_at = max(now, self._free_at) + count / self._rate
        await deferLater(self._clock, max(0.0, self._free_at - now))
