"""When jobs run: one scheduler for everything that is done now and then.

A job first runs after a random part of its interval, an hour at most, so that
registries which were started together do not all read their disks at the same moment.
From then on it runs once in every interval. It never runs twice at once: a turn that
comes while the last run goes on is left out. A run that fails is logged, and the job
goes on.

Source: Distribution waits 0 to 59 minutes before it purges the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

LONGEST_DELAY = 3600.0
"""Seconds before which every job has begun once."""

Run = Callable[[], Coroutine[Deferred[Any], Any, None]]


@attrs.frozen(kw_only=True)
class Job:
    """Something to do every ``interval`` seconds, under a name for the log."""

    name: str
    interval: float
    run: Run


class Schedule:
    """Runs jobs. ``random`` gives numbers from 0 up to 1."""

    def __init__(self, *, clock: IReactorTime, random: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random
        self._turns: list[_Turns | _Runs] = []

    def add(self, job: Job) -> None:
        """Run ``job`` from now on, until ``stop``."""
        delay = self._random() * min(job.interval, LONGEST_DELAY)
        self._turns.append(_Turns(job=job, delay=delay, clock=self._clock))

    def begin(self, name: str, run: Run) -> None:
        """Run something now and once, until ``stop``. A failure is logged."""
        once = _Runs(name=name)
        self._turns.append(once)
        once.start(run)

    async def stop(self) -> None:
        """Begin no run any more; returns when those that go on have ended.

        They are cancelled, so they end at the next point where that does no harm.
        """
        turns, self._turns = self._turns, []
        for one in turns:
            await one.stop()


class _Runs:
    """Runs of something, one at a time; ``then`` is what comes after a failure."""

    def __init__(self, *, name: str, then: str = "") -> None:
        self._name = name
        self._then = then
        self._running: Deferred[None] | None = None
        self._log = Logger()

    def start(self, run: Run) -> Deferred[None]:
        """Begin a run; fires when it has ended, well or not."""
        running = self._running = Deferred.fromCoroutine(run())
        running.addErrback(self._failed)
        running.addCallback(self._ended)
        return running

    async def stop(self) -> None:
        """Cancel the run that goes on, if there is one, and wait for its end."""
        running = self._running
        if running is not None:
            running.cancel()
            await running

    def _failed(self, reason: Failure) -> None:
        if reason.check(CancelledError) is None:
            told = "{job} failed" + self._then
            self._log.failure(told, failure=reason, job=self._name)

    def _ended(self, _: None) -> None:
        self._running = None


class _Turns:
    """The runs of one job."""

    def __init__(self, *, job: Job, delay: float, clock: IReactorTime) -> None:
        self._job = job
        again = f"; it is tried again in {job.interval:g} s"
        self._runs = _Runs(name=job.name, then=again)
        self._loop = LoopingCall(self._run)
        self._loop.clock = clock
        self._first: IDelayedCall = clock.callLater(delay, self._begin)

    async def stop(self) -> None:
        if self._first.active():
            self._first.cancel()
        if self._loop.running:
            self._loop.stop()
        await self._runs.stop()

    def _begin(self) -> None:
        self._loop.start(self._job.interval, now=True)

    def _run(self) -> Deferred[None]:
        """A run; the LoopingCall begins no other before it has ended."""
        return self._runs.start(self._job.run)
