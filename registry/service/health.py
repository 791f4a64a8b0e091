"""Whether this registry is well: checks that run all the time, and what they found.

A check counts as failed when it raises, and also when it has not answered after its
timeout: work in a thread cannot be stopped, so one that hangs is left behind, and not
started again before it has ended. Only ``threshold`` failures in a row make an ailment;
one success ends it.

A check may say that what it looks at only degrades the registry: it goes on answering,
and says so. Such a check is also made whenever somebody asks, because nobody but those
who ask acts on it.

Read next: ``checks.py`` (the kinds of check).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure


class CheckFailed(Exception):
    """What was checked is not well; the text says what to do about it."""


@attrs.frozen(kw_only=True)
class Check:
    """One thing to look at, every ``interval`` seconds."""

    name: str
    """What it is called in answers and logs."""

    probe: Callable[[], Awaitable[None]]
    """Looks once; raises if all is not well."""

    interval: float = 10.0
    timeout: float = attrs.field(
        default=attrs.Factory(lambda self: self.interval, takes_self=True)
    )
    """Seconds that a look may take."""

    threshold: int = 1
    """Failures in a row that make an ailment; less than one means one."""

    only_degrades: bool = False
    """Whether requests are answered all the same."""


class Health:
    """Runs checks and remembers what is wrong."""

    def __init__(self, *, checks: Sequence[Check], clock: IReactorTime) -> None:
        self._clock = clock
        self._ailments: dict[str, str] = {}
        self._degradations: dict[str, str] = {}
        self._watches = self._watching(checks)

    def start(self) -> None:
        """Look for the first time, and from then on regularly."""
        for watch in self._watches:
            watch.start()

    def stop(self) -> None:
        """Look no more."""
        for watch in self._watches:
            watch.stop()

    def replace(self, checks: Sequence[Check]) -> None:
        """Look at these from now on, and forget what the others found."""
        self.stop()
        self._ailments.clear()
        self._degradations.clear()
        self._watches = self._watching(checks)
        self.start()

    def ailments(self) -> Mapping[str, str]:
        """What is wrong now, by the names of the checks. Empty if all is well."""
        return self._ailments

    def degradations(self) -> Mapping[str, str]:
        """What is not as it should be, though requests are answered.

        Looks again; what has to be waited for counts for the next who asks.
        """
        for watch in self._watches:
            if watch.check.only_degrades:
                watch.look()
        return self._degradations

    def _watching(self, checks: Sequence[Check]) -> list[_Watch]:
        return [
            _Watch(
                check,
                self._degradations if check.only_degrades else self._ailments,
                self._clock,
            )
            for check in checks
        ]


class _Watch:
    """Runs one check."""

    def __init__(
        self, check: Check, ailments: dict[str, str], clock: IReactorTime
    ) -> None:
        self.check = check
        self._ailments = ailments
        self._clock = clock
        self._failures = 0
        self._looking: Deferred[None] | None = None
        self._deadline: IDelayedCall | None = None
        self._log = Logger()
        self._loop = LoopingCall(self.look)
        self._loop.clock = clock

    def start(self) -> None:
        self._loop.start(self.check.interval, now=True)

    def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()
        self._end_waiting()
        if self._looking is not None:
            self._looking.cancel()

    def look(self) -> None:
        """Look now, unless that is under way or nobody looks any more."""
        if self._deadline is not None or not self._loop.running:
            return
        if self._looking is not None:
            self._failed("it still hangs; see why, or restart the registry")
            return
        self._deadline = self._clock.callLater(self.check.timeout, self._timed_out)
        looking = Deferred.fromCoroutine(_run(self.check))
        self._looking = looking
        looking.addCallbacks(self._answered, self._raised)

    def _answered(self, _: None) -> None:
        self._looking = None
        if self._end_waiting():
            self._succeeded()

    def _raised(self, reason: Failure) -> None:
        self._looking = None
        if self._end_waiting():
            self._failed(_told(reason.value))

    def _timed_out(self) -> None:
        self._deadline = None
        self._failed(f"no answer after {self.check.timeout:g} s")
        if self._looking is not None:
            self._looking.cancel()

    def _end_waiting(self) -> bool:
        """Whether an answer was still waited for."""
        deadline, self._deadline = self._deadline, None
        if deadline is None:
            return False
        deadline.cancel()
        return True

    def _succeeded(self) -> None:
        self._failures = 0
        if self._ailments.pop(self.check.name, None) is not None:
            self._log.info("health check {check} is well again", check=self.check.name)

    def _failed(self, reason: str) -> None:
        self._failures += 1
        if self._failures < self.check.threshold:
            return
        if self.check.name not in self._ailments:
            told = "health check {check} fails: {reason}"
            if not self.check.only_degrades:
                told += "; requests are answered 503 until it succeeds"
            self._log.error(told, check=self.check.name, reason=reason)
        self._ailments[self.check.name] = reason


async def _run(check: Check) -> None:
    await check.probe()


def _told(error: BaseException | None) -> str:
    if isinstance(error, CancelledError):
        return "the check was given up"
    return str(error) or type(error).__name__
