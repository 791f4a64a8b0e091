"""One reading: what the client saw, and what it cost the server."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import attrs

from benchmarks.content import MIB
from benchmarks.outcome import Outcome
from benchmarks.process import Process

GB = 1_000_000_000


@attrs.frozen(kw_only=True)
class Reading:
    """An outcome, the server's CPU seconds and its peak of resident bytes."""

    outcome: Outcome
    cpu: float
    peak: int
    note: str = ""


def measured(process: Process, load: Callable[[], Outcome], note: str = "") -> Reading:
    """Run a load and read the server's meters around it."""
    process.forget_peak()
    before = process.cpu()
    outcome = load()
    return Reading(
        outcome=outcome,
        cpu=process.cpu() - before,
        peak=process.peak(),
        note=note,
    )


@attrs.frozen
class Unit:
    """How a reading becomes the one number that a load is about."""

    label: str
    value: Callable[[Reading], float]
    cpu_label: str
    cpu: Callable[[Reading], float]
    more_is_better: bool = True


def _per_request(reading: Reading) -> float:
    return reading.cpu / reading.outcome.count * 1e6


def _per_gb(reading: Reading) -> float:
    return reading.cpu / reading.outcome.size * GB


def _per_start(reading: Reading) -> float:
    return reading.cpu * 1e3


def _rate(reading: Reading) -> float:
    return reading.outcome.count / reading.outcome.seconds


REQUESTS = Unit("req/s", _rate, "µs/req", _per_request)
BLOBS = Unit("blobs/s", _rate, "µs/blob", _per_request)
BYTES = Unit(
    "MB/s",
    lambda reading: reading.outcome.size / reading.outcome.seconds / 1e6,
    "s/GB",
    _per_gb,
)
LATENCY = Unit(
    "ms p99",
    lambda reading: (reading.outcome.p99 or 0) * 1e3,
    "µs/req",
    _per_request,
    more_is_better=False,
)
PEAK = Unit(
    "MiB peak",
    lambda reading: reading.peak / MIB,
    "s/GB",
    _per_gb,
    more_is_better=False,
)
START = Unit(
    "ms",
    lambda reading: reading.outcome.seconds * 1e3,
    "ms",
    _per_start,
    more_is_better=False,
)
PAGE_CPU = Unit(
    "ms CPU/page",
    lambda reading: reading.cpu / reading.outcome.count * 1e3,
    "µs/page",
    _per_request,
    more_is_better=False,
)


@attrs.frozen(kw_only=True)
class Summary:
    """All readings of one load on one server."""

    median: float
    lowest: float
    highest: float
    p99: float | None
    cpu: float
    peak: int
    note: str

    @classmethod
    def of(cls, unit: Unit, readings: Sequence[Reading]) -> Summary:
        """Medians of the rounds, and the highest of their peaks."""
        values = [unit.value(reading) for reading in readings]
        p99s = [r.outcome.p99 for r in readings if r.outcome.p99 is not None]
        return cls(
            median=statistics.median(values),
            lowest=min(values),
            highest=max(values),
            p99=statistics.median(p99s) if p99s else None,
            cpu=statistics.median(unit.cpu(reading) for reading in readings),
            peak=max(reading.peak for reading in readings),
            note=readings[-1].note,
        )
