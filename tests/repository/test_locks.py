from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from registry.repository.locks import Locks


class Visitor:
    """Holds a lock until it is told to leave."""

    def __init__(self, locks: Locks, key: str, log: list[str], name: str) -> None:
        self.leave: Deferred[None] = Deferred()
        self.visit = Deferred.fromCoroutine(self._visit(locks, key, log, name))

    async def _visit(self, locks: Locks, key: str, log: list[str], name: str) -> None:
        async with locks.hold(key):
            log.append(f"{name} in")
            await self.leave
            log.append(f"{name} out")


def test_holders_come_one_after_another_in_the_order_of_asking() -> None:
    locks, log = Locks(), []
    first, second, third = (Visitor(locks, "key", log, name) for name in "abc")
    for visitor in (first, second, third):
        visitor.leave.callback(None)
    assert log == ["a in", "a out", "b in", "b out", "c in", "c out"]


def test_different_keys_do_not_wait_for_each_other() -> None:
    locks, log = Locks(), []
    visitors = [Visitor(locks, "one", log, "a"), Visitor(locks, "two", log, "b")]
    assert log == ["a in", "b in"]
    for visitor in visitors:
        visitor.leave.callback(None)


def test_locks_that_nobody_wants_are_forgotten() -> None:
    locks, log = Locks(), []
    visitors = [Visitor(locks, "key", log, name) for name in "abc"]
    assert len(locks) == 1
    for visitor in visitors:
        visitor.leave.callback(None)
    assert len(locks) == 0


def test_an_error_inside_releases_the_lock() -> None:
    locks, log = Locks(), []
    first, second = (Visitor(locks, "key", log, name) for name in "ab")
    first.visit.addErrback(lambda failure: failure.trap(OSError))
    first.leave.errback(OSError("broken"))
    second.leave.callback(None)
    assert log == ["a in", "b in", "b out"]
    assert len(locks) == 0


def test_who_gives_up_waiting_is_passed_over() -> None:
    locks, log = Locks(), []
    first, second, third = (Visitor(locks, "key", log, name) for name in "abc")
    second.visit.addErrback(lambda failure: failure.trap(CancelledError))
    second.visit.cancel()
    first.leave.callback(None)
    third.leave.callback(None)
    assert log == ["a in", "a out", "c in", "c out"]
    assert len(locks) == 0


def test_a_lock_taken_anew_while_the_last_is_handed_on_is_kept() -> None:
    locks, log = Locks(), []
    first = Visitor(locks, "key", log, "a")
    second = Visitor(locks, "key", log, "b")
    second.leave.callback(None)
    anew: list[Visitor] = []
    second.visit.addCallback(lambda _: anew.append(Visitor(locks, "key", log, "c")))
    first.leave.callback(None)
    last = Visitor(locks, "key", log, "d")
    assert log == ["a in", "a out", "b in", "b out", "c in"]
    anew[0].leave.callback(None)
    assert log[-1] == "d in"
    last.leave.callback(None)
