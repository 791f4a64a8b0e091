"""The one door to threads.

The reactor never waits for a disk, a hash or a signature; whoever has such work passes
it through here. The pool is our own, so that name resolution, which uses the reactor's,
cannot be starved by uploads, nor the other way round.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import ParamSpec, Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred, fail, maybeDeferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from registry.storage.driver import StorageFailure

P = ParamSpec("P")
T = TypeVar("T")


class Workers(Protocol):
    """Runs blocking functions away from the reactor."""

    def run(
        self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """The result, or the exception, of ``work`` called in a worker."""


class Turn(Deferred[T]):
    """The outcome of work in a thread.

    A thread cannot be stopped half-way. So cancelling takes effect when the work is
    done: whoever was cancelled may then release the lock or the descriptor that the
    work used, because nobody uses it any more.
    """

    def __init__(self) -> None:
        super().__init__()
        self._cancelled = False

    def cancel(self) -> None:
        """Raise CancelledError in whoever waits, once the work is done."""
        if self.called:
            super().cancel()
        self._cancelled = True

    def finish(self, outcome: T | Failure) -> None:
        """Hand over the result or the failure of the work."""
        if self._cancelled:
            self.errback(CancelledError())
        elif isinstance(outcome, Failure):
            self.errback(outcome)
        else:
            self.callback(outcome)


class WorkerPool:
    """Workers on threads of its own, started as they are needed, up to ``threads``.

    Leaner than twisted.python.threadpool: a turn is one put into a queue and, for all
    turns that end in the same moment, one call of the reactor.
    """

    def __init__(self, *, reactor: IReactorFromThreads, threads: int) -> None:
        self._reactor = reactor
        self._most = threads
        self._threads: list[Thread] = []
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._outcomes: deque[Callable[[], None]] = deque()
        self._unfinished = 0
        self._is_telling = False
        self._is_open = False

    def start(self) -> None:
        """Begin to take work."""
        self._is_open = True

    def stop(self) -> None:
        """Finish what was taken and end the threads; blocks until they have ended."""
        self._is_open = False
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def run(
        self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """The result, or the exception, of ``work`` called in a worker.

        Fails with StorageFailure after ``stop``, when no thread would do the work.
        """
        if not self._is_open:
            return fail(StorageFailure("the registry is stopping; try again later"))
        turn: Turn[T] = Turn()

        def task() -> None:
            outcome: T | Failure
            try:
                outcome = work(*args, **kwargs)
            except BaseException:  # noqa: BLE001 - it is for whoever waits
                outcome = Failure()
            self._outcomes.append(partial(turn.finish, outcome))

        self._unfinished += 1
        if len(self._threads) < min(self._unfinished, self._most):
            thread = Thread(target=self._serve, name="registry worker", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._tasks.put(task)
        return turn

    def _serve(self) -> None:
        """Do tasks; the life of a thread."""
        while (task := self._tasks.get()) is not None:
            task()
            if not self._is_telling:
                self._is_telling = True
                self._reactor.callFromThread(self._tell)

    def _tell(self) -> None:
        """Hand over what the threads have done; the flag falls before the last look."""
        self._is_telling = False
        while self._outcomes:
            self._unfinished -= 1
            self._outcomes.popleft()()


class Inline:
    """Workers that work at once, in the caller: for tests and one-shot commands."""

    def run(
        self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """The result of ``work``, already there."""
        return maybeDeferred(work, *args, **kwargs)
