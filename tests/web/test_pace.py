from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registry.web.pace import Pace

TIMEOUT = 10.0
RATE = 100.0


def late_at(counts: list[int], *, rate: float = RATE) -> int | None:
    """The first second at which ``counts``, one for each second, are late."""
    pace = Pace(0.0, 0)
    for second, count in enumerate(counts, 1):
        if pace.is_late(float(second), count, timeout=TIMEOUT, rate=rate):
            return second
    return None


def test_a_stream_that_stops_is_late_after_the_timeout() -> None:
    assert late_at([0] * 30) == 11
    assert late_at([100_000] * 30) == 12


def test_a_stream_that_drips_is_late() -> None:
    assert late_at(list(range(100))) == 11
    assert late_at(list(range(100)), rate=0) is None


def test_a_stream_that_is_fast_enough_is_never_late() -> None:
    assert late_at([1000 * (n // 9) for n in range(9, 200)]) is None


@given(st.lists(st.integers(0, 500), max_size=100))
def test_no_stream_is_late_that_keeps_the_rate_in_every_window(
    steps: list[int],
) -> None:
    counts = [sum(steps[: n + 1]) for n in range(len(steps))]
    if all(step >= RATE for step in steps):
        assert late_at(counts) is None
    found = late_at(counts)
    if found is not None:
        assert found > TIMEOUT


def test_a_pace_begins_again() -> None:
    pace = Pace(0.0, 0)
    pace.restart(9.0, 50)
    assert not pace.is_late(19.0, 50, timeout=TIMEOUT, rate=RATE)
    assert pace.is_late(20.0, 50, timeout=TIMEOUT, rate=RATE)
