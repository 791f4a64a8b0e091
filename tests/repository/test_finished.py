from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from registry.repository.finished import finished
from registry.testing.results import result_of


def test_gives_the_result() -> None:
    async def work() -> int:
        return 3

    assert result_of(finished(work())) == 3


def test_raises_what_the_work_raises() -> None:
    async def work() -> None:
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        result_of(finished(work()))


def test_cancellation_waits_for_the_end_of_the_work() -> None:
    disk: Deferred[None] = Deferred()
    done: list[str] = []

    async def work() -> None:
        await disk
        done.append("written")

    waiting = Deferred.fromCoroutine(finished(work()))
    outcomes: list[object] = []
    waiting.addBoth(outcomes.append)
    waiting.cancel()
    assert (done, outcomes) == ([], [])
    disk.callback(None)
    assert done == ["written"]
    [outcome] = outcomes
    assert isinstance(outcome, Failure)
    assert outcome.check(CancelledError)


def test_an_error_of_the_work_outranks_the_cancellation() -> None:
    disk: Deferred[None] = Deferred()

    async def work() -> None:
        await disk

    waiting = Deferred.fromCoroutine(finished(work()))
    outcomes: list[Failure] = []
    waiting.addErrback(outcomes.append)
    waiting.cancel()
    waiting.cancel()
    disk.errback(OSError("broken"))
    assert outcomes[0].check(OSError)
