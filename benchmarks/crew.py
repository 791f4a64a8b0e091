"""The inside of a loading client: threads that do jobs on connections of their own.

Talks to ``benchmarks.client`` over its standard streams: says ``ready`` when all is
prepared, starts when it reads a line, and ends with one line of JSON.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from benchmarks.connection import Address, Connection
from benchmarks.failure import LoadFailed
from benchmarks.outcome import Outcome, percentile

Job = Callable[[Connection], int]
"""Does its work on a connection and says how many bytes of body it moved."""

SWITCH_INTERVAL = 0.0005
"""Seconds after which a busy thread lets another one run."""


class Crew:
    """``at_once`` threads that share one line of jobs; the first failure ends all."""

    def __init__(self, *, address: Address, jobs: Iterable[Job], at_once: int) -> None:
        self._jobs = iter(jobs)
        self._lock = threading.Lock()
        self._done: list[tuple[float, int]] = []
        self._failure: str | None = None
        self._connections = [Connection(address) for _ in range(at_once)]

    def work(self) -> Outcome:
        """Do all jobs. Raises LoadFailed."""
        threads = [
            threading.Thread(target=self._member, args=(connection,))
            for connection in self._connections
        ]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - start
        if self._failure or not self._done:
            raise LoadFailed(self._failure or "nothing was done")
        return Outcome(
            count=len(self._done),
            size=sum(size for _, size in self._done),
            seconds=seconds,
            p99=percentile([spent for spent, _ in self._done], 0.99),
        )

    def _member(self, connection: Connection) -> None:
        try:
            while job := self._take():
                start = time.perf_counter()
                size = job(connection)
                self._done.append((time.perf_counter() - start, size))
        except (LoadFailed, OSError, ValueError) as failure:
            self._failure = self._failure or f"{type(failure).__name__}: {failure}"
        connection.close()

    def _take(self) -> Job | None:
        with self._lock:
            return None if self._failure else next(self._jobs, None)


def for_seconds(jobs: Sequence[Job], seconds: float) -> Iterator[Job]:
    """The jobs over and over; none is begun ``seconds`` after the first."""
    deadline = time.perf_counter() + seconds
    for job in itertools.cycle(jobs):
        if time.perf_counter() >= deadline:
            return
        yield job


def report(crew: Callable[[], Crew]) -> None:
    """Prepare, wait for the start signal, work, print the outcome."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        ready = crew()
        print("ready", flush=True)
        sys.stdin.readline()
        result = attrs.asdict(ready.work())
    except (LoadFailed, OSError) as failure:
        result = {"failed": str(failure)}
    print(json.dumps(result), flush=True)
