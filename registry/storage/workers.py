"""The one door to threads.

The reactor never waits for a disk, a hash or a signature; whoever has such work passes
it through here. The pool is our own, so that name resolution, which uses the reactor's,
cannot be starved by uploads, nor the other way round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")


class Workers(Protocol):
    """Runs blocking functions away from the reactor."""

    def run(
        self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """The result, or the exception, of ``work`` called in a worker."""


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
        """The result, or the exception, of ``work`` called in a worker."""
        return deferToThreadPool(self._reactor, self._pool, work, *args, **kwargs)


class Inline:
    """Workers that work at once, in the caller: for tests and one-shot commands."""

    def run(
        self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        """The result of ``work``, already there."""
        from twisted.internet.defer import maybeDeferred

        return maybeDeferred(work, *args, **kwargs)
