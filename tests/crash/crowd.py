"""All clients of one store, at work until somebody ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event, Thread

from line import TIMEOUT
from promises import Promises
from workload import Worker


class Crowd:
    """All clients of one store."""

    def __init__(self, *, count: int, seed: str, promises: Promises) -> None:
        self._answers = 0
        self._wanted = 0
        self._reached = Event()
        self._promises = promises
        self.workers = [
            Worker(number=number, seed=seed, promises=promises, told=self._told)
            for number in range(count)
        ]

    def _told(self) -> None:
        self._answers += 1
        if self._answers >= self._wanted:
            self._reached.set()

    def work(self, port: int, *, answers: int, end: Callable[[], None]) -> None:
        """Let all work; call ``end``, which stops the registry, after ``answers``."""
        self._answers, self._wanted = 0, answers
        self._reached.clear()
        stop = Event()
        threads = [
            Thread(target=worker.work, args=(port, stop)) for worker in self.workers
        ]
        for thread in threads:
            thread.start()
        try:
            assert self._reached.wait(TIMEOUT), "the registry does not answer"
            end()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self._promises.end_all()
        for failure in self._failures():
            raise failure

    def restarted(self) -> None:
        """The registry is back, and what it has is known."""
        for worker in self.workers:
            worker.restarted()

    def _failures(self) -> Iterator[BaseException]:
        for worker in self.workers:
            if worker.failure is not None:
                yield worker.failure
