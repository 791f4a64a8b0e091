"""Coroutines without a reactor."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


def result_of(coroutine: Coroutine[Deferred[Any], Any, T]) -> T:
    """What ``coroutine`` returns or raises; it must not wait for anything."""
    outcomes: list[T | Failure] = []
    Deferred.fromCoroutine(coroutine).addBoth(outcomes.append)
    if not outcomes:
        raise AssertionError("the coroutine still waits; run it with a reactor")
    outcome = outcomes[0]
    if isinstance(outcome, Failure):
        outcome.raiseException()
    return outcome
