"""The end of all requests: what is being answered is finished, the rest is cut off."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from registry.web.site import Site

STEP = 0.05
"""Seconds between looks at whether the last request has been answered."""

TIDYING = 5.0
"""Seconds that requests without clients get to leave their files in order."""


class Draining:
    """Ends the requests of sites whose listeners are closed."""

    def __init__(self, *, clock: IReactorTime) -> None:
        self._sites: Sequence[Site] = ()
        self._clock = clock
        self._is_hurried = False
        self._log = Logger()

    async def run(self, sites: Sequence[Site], patience: float) -> None:
        """Let requests finish for ``patience`` seconds, then cut them off.

        An upload that is cut off keeps what has arrived of it, and goes on there.
        """
        self._sites = sites
        for site in sites:
            site.drain()
        await self._finish(patience)
        await self._cut_off()

    def hurry(self) -> None:
        """Wait for no request any longer."""
        self._is_hurried = True

    async def _finish(self, patience: float) -> None:
        if patience and self._unfinished:
            self._log.info(
                "stopping; waits up to {patience:g} s for requests in progress:"
                " {count}; another signal stops at once",
                patience=patience,
                count=self._unfinished,
            )
        end = self._clock.seconds() + patience
        while self._unfinished and not self._is_hurried and self._clock.seconds() < end:
            await self._step()

    async def _cut_off(self) -> None:
        """Drop what is left, and let it leave its files in order."""
        if self._unfinished:
            self._log.info("requests cut off: {count}", count=self._unfinished)
        for site in self._sites:
            site.stop()
        end = self._clock.seconds() + TIDYING
        while self._unfinished and self._clock.seconds() < end:
            await self._step()

    async def _step(self) -> None:
        await deferLater(self._clock, STEP)

    @property
    def _unfinished(self) -> int:
        return sum(site.unfinished for site in self._sites)
