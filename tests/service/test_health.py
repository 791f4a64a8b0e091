"""Health checks, over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from registry.service.health import Check, CheckFailed, Health


class Patient:
    """Something to be checked, and the Health that checks it."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.is_well = True
        self.looks = 0
        check = Check(name="patient", probe=self._probe, **options)
        self.health = Health(checks=[check], clock=self.clock)

    async def _probe(self) -> None:
        self.looks += 1
        if not self.is_well:
            raise CheckFailed("it has a cold")

    @property
    def ailments(self) -> dict[str, str]:
        return dict(self.health.ailments())


class Hanging(Patient):
    """It answers only when told to, and cannot be stopped, like work in a thread."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.answer: Callable[[None], None] = lambda _: None

    async def _probe(self) -> None:
        self.looks += 1
        waiting: Deferred[None] = Deferred(canceller=lambda _: None)
        self.answer = waiting.callback
        await _Unstoppable(waiting)


class _Unstoppable:
    def __init__(self, waiting: Deferred[None]) -> None:
        inner: Deferred[None] = Deferred()
        inner.cancel = lambda: None  # type: ignore[method-assign]
        waiting.addBoth(inner.callback)
        self._inner = inner

    def __await__(self) -> Any:
        return self._inner.__await__()


def test_a_registry_without_checks_is_well() -> None:
    health = Health(checks=[], clock=Clock())
    health.start()
    assert health.ailments() == {}


def test_the_first_look_is_at_the_start() -> None:
    patient = Patient()
    patient.is_well = False
    patient.health.start()
    assert patient.ailments == {"patient": "it has a cold"}


def test_it_is_looked_at_again_and_again() -> None:
    patient = Patient(interval=5.0)
    patient.health.start()
    patient.clock.pump([5.0, 5.0])
    assert patient.looks == 3
    patient.is_well = False
    patient.clock.advance(5.0)
    assert patient.ailments
    patient.is_well = True
    patient.clock.advance(5.0)
    assert not patient.ailments


def test_only_failures_in_a_row_count() -> None:
    patient = Patient(interval=1.0, threshold=3)
    patient.is_well = False
    patient.health.start()
    patient.clock.advance(1.0)
    patient.is_well = True
    patient.clock.advance(1.0)
    patient.is_well = False
    patient.clock.pump([1.0, 1.0])
    assert not patient.ailments
    patient.clock.advance(1.0)
    assert patient.ailments


@pytest.mark.parametrize("threshold", [0, 1])
def test_a_threshold_below_one_means_one(threshold: int) -> None:
    patient = Patient(threshold=threshold)
    patient.is_well = False
    patient.health.start()
    assert patient.ailments


def test_a_check_that_hangs_has_failed_after_its_timeout() -> None:
    patient = Hanging(interval=10.0, timeout=2.0)
    patient.health.start()
    patient.clock.advance(1.9)
    assert not patient.ailments
    patient.clock.advance(0.1)
    assert patient.ailments == {"patient": "no answer after 2 s"}


def test_a_check_that_hangs_is_not_started_a_second_time() -> None:
    patient = Hanging(interval=10.0, timeout=2.0, threshold=3)
    patient.health.start()
    patient.clock.pump([10.0] * 2)
    assert patient.looks == 1
    assert "still hangs" in patient.ailments["patient"]


def test_a_late_answer_does_not_count_but_the_next_one_does() -> None:
    patient = Hanging(interval=10.0, timeout=2.0)
    patient.health.start()
    patient.clock.advance(3.0)
    patient.answer(None)
    assert patient.ailments
    patient.clock.advance(7.0)
    assert patient.looks == 2
    patient.answer(None)
    assert not patient.ailments


def test_a_timeout_longer_than_the_interval_is_waited_for() -> None:
    patient = Hanging(interval=1.0, timeout=5.0)
    patient.health.start()
    patient.clock.pump([1.0] * 4)
    assert patient.looks == 1
    assert not patient.ailments
    patient.clock.advance(1.0)
    assert patient.ailments


def test_nothing_runs_after_the_stop() -> None:
    patient = Hanging(interval=1.0)
    patient.health.start()
    patient.health.stop()
    assert not patient.clock.getDelayedCalls()
    patient.answer(None)
    assert not patient.ailments


def test_what_only_degrades_is_no_ailment() -> None:
    patient = Patient(only_degrades=True)
    patient.is_well = False
    patient.health.start()
    assert patient.ailments == {}
    assert patient.health.degradations() == {"patient": "it has a cold"}
    patient.is_well = True
    patient.clock.advance(10.0)
    assert patient.health.degradations() == {}


def test_other_checks_take_the_place_of_those_that_were() -> None:
    patient = Patient(interval=1.0)
    patient.is_well = False
    patient.health.start()
    other = Patient()
    patient.health.replace([Check(name="other", probe=other._probe)])
    assert patient.ailments == {}
    patient.clock.advance(10.0)
    assert (patient.looks, other.looks) == (1, 2)
