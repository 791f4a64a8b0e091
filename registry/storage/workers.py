"""The one door to threads.

The reactor never waits for a disk, a hash or a signature; whoever has such work passes
it through here. The pool is our own, so that name resolution, which uses the reactor's,
cannot be starved by uploads, nor the other way round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred, fail, maybeDeferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

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
    """Workers on a pool of threads, started and stopped with the service."""

    def __init__(self, *, reactor: IReactorFromThreads, threads: int) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=threads, name="registry")

    def start(self) -> None:
        """Begin to take work."""
        self._pool.start()

    def stop(self) -> None:
        """Finish what was taken and end the threads; blocks until they have ended."""
        self._pool.stop()

    def run(
        self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """The result, or the exception, of ``work`` called in a worker.

        Fails with StorageFailure after ``stop``, when no thread would do the work.
        """
        if self._pool.joined:
            return fail(StorageFailure("the registry is stopping; try again later"))
        turn: Turn[T] = Turn()

        def finished(_success: bool, outcome: T | Failure) -> None:
            self._reactor.callFromThread(turn.finish, outcome)

        self._pool.callInThreadWithCallback(finished, work, *args, **kwargs)
        return turn


class Inline:
    """Workers that work at once, in the caller: for tests and one-shot commands."""

    def run(
        self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """The result of ``work``, already there."""
        return maybeDeferred(work, *args, **kwargs)
