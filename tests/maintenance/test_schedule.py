"""When jobs run."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher

from registry.maintenance.schedule import Job, Schedule
from registry.testing.results import result_of

HOUR = 3600.0


class Work:
    """A job whose runs end when the test says so."""

    def __init__(self) -> None:
        self.runs: list[Deferred[None]] = []
        self.ended = 0

    async def run(self) -> None:
        self.runs.append(Deferred())
        try:
            await self.runs[-1]
        finally:
            self.ended += 1

    def job(self, interval: float) -> Job:
        return Job(name="work", interval=interval, run=self.run)


def scheduled(interval: float, chance: float) -> tuple[Clock, Schedule, Work]:
    clock, work = Clock(), Work()
    schedule = Schedule(clock=clock, random=lambda: chance)
    schedule.add(work.job(interval))
    return clock, schedule, work


def test_the_first_run_is_within_an_hour_and_the_next_an_interval_later() -> None:
    clock, _, work = scheduled(24 * HOUR, chance=0.5)
    clock.advance(HOUR / 2 - 1)
    assert work.runs == []
    clock.advance(1)
    work.runs[0].callback(None)
    clock.advance(24 * HOUR - 1)
    assert len(work.runs) == 1
    clock.advance(1)
    assert len(work.runs) == 2


def test_a_job_that_runs_often_does_not_wait_for_an_hour() -> None:
    clock, _, work = scheduled(60.0, chance=0.999)
    clock.advance(60)
    assert len(work.runs) == 1


def test_a_job_never_runs_twice_at_once() -> None:
    clock, _, work = scheduled(10.0, chance=0.0)
    clock.advance(0)
    clock.pump([10.0] * 5)
    assert len(work.runs) == 1
    work.runs[0].callback(None)
    clock.advance(10)
    assert len(work.runs) == 2


def test_a_failing_job_is_logged_and_goes_on() -> None:
    events: list[LogEvent] = []
    clock, _, work = scheduled(10.0, chance=0.0)
    clock.advance(0)
    globalLogPublisher.addObserver(events.append)
    try:
        work.runs[0].errback(ValueError("no such luck"))
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert [(event["job"], str(event["log_failure"].value)) for event in events] == [
        ("work", "no such luck")
    ]
    clock.advance(10)
    assert len(work.runs) == 2


def test_one_job_does_not_hold_up_another() -> None:
    clock, schedule, first = scheduled(10.0, chance=0.0)
    second = Work()
    schedule.add(second.job(10.0))
    clock.advance(0)
    assert (len(first.runs), len(second.runs)) == (1, 1)


def test_nothing_runs_after_the_end() -> None:
    clock, schedule, work = scheduled(10.0, chance=0.5)
    result_of(schedule.stop())
    clock.advance(100)
    assert work.runs == []
    assert clock.getDelayedCalls() == []


def test_a_run_that_goes_on_is_cancelled_and_waited_for() -> None:
    clock, schedule, work = scheduled(10.0, chance=0.0)
    clock.advance(0)
    result_of(schedule.stop())
    assert work.ended == 1
    assert clock.getDelayedCalls() == []


def test_the_end_waits_for_what_cannot_be_cancelled() -> None:
    clock = Clock()
    schedule = Schedule(clock=clock, random=lambda: 0.0)
    holding: Deferred[None] = Deferred()

    async def run() -> None:
        try:
            await Deferred()
        except CancelledError:
            await holding

    schedule.add(Job(name="held", interval=10.0, run=run))
    clock.advance(0)
    stopping = Deferred.fromCoroutine(schedule.stop())
    assert not stopping.called
    holding.callback(None)
    assert stopping.called
