"""Changes that go on to their end even when the one who asked has gone.

A client that hangs up cancels the coroutine that answers it. A worker thread cannot be
stopped half-way, so a change that gave up there would release its lock and correct its
cache while the thread still writes, and the cache would then remember what the thread
is about to make untrue. So a cancellation waits until the change has ended.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


async def finished(work: Coroutine[Deferred[Any], Any, T]) -> T:
    """The result of ``work``, which runs to its end in any case.

    A cancellation meanwhile is raised afterwards; an error of ``work`` outranks it.
    """
    outcome: list[T | Failure] = []
    waiting: list[Deferred[None]] = []
    cancellation: CancelledError | None = None

    def end(result: T | Failure) -> None:
        outcome.append(result)
        for waiter in waiting:
            waiter.callback(None)

    Deferred.fromCoroutine(work).addBoth(end)
    while not outcome:
        waiting[:] = [Deferred()]
        try:
            await waiting[0]
        except CancelledError as error:
            cancellation = error
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    if cancellation is not None:
        raise cancellation
    return outcome[0]
