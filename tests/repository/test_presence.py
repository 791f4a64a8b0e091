from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest
from twisted.internet.defer import Deferred

from registry.core.name import RepositoryName
from registry.repository.presence import Presence


class Stay:
    """Is inside a context until told to leave."""

    def __init__(self, context: AbstractAsyncContextManager[None]) -> None:
        self.inside = False
        self.leave: Deferred[None] = Deferred()
        self.stay = Deferred.fromCoroutine(self._stay(context))

    async def _stay(self, context: AbstractAsyncContextManager[None]) -> None:
        async with context:
            self.inside = True
            await self.leave
        self.inside = False


@pytest.fixture
def presence() -> Presence:
    return Presence()


@pytest.fixture
def within(presence: Presence) -> Iterator[Callable[[str], Stay]]:
    """Makes writers; in the end all leave."""
    stays: list[Stay] = []

    def enter(name: str) -> Stay:
        stays.append(Stay(presence.within(RepositoryName(name))))
        return stays[-1]

    yield enter
    leave(stays)


@pytest.fixture
def alone(presence: Presence) -> Iterator[Callable[[str], Stay]]:
    """Makes removers; in the end all leave."""
    stays: list[Stay] = []

    def enter(path: str) -> Stay:
        stays.append(Stay(presence.alone(path)))
        return stays[-1]

    yield enter
    leave(stays)


def leave(stays: list[Stay]) -> None:
    for stay in stays:
        if not stay.leave.called:
            stay.leave.callback(None)


Enter = Callable[[str], Stay]


def test_writers_are_present_together(within: Enter) -> None:
    assert within("a").inside
    assert within("a").inside
    assert within("a/b").inside


def test_a_remover_waits_for_writers_in_what_is_nested_too(
    within: Enter, alone: Enter
) -> None:
    writers = [within("a"), within("a/b/c")]
    remover = alone("a")
    writers[0].leave.callback(None)
    assert not remover.inside
    writers[1].leave.callback(None)
    assert remover.inside


def test_writers_wait_for_a_remover_above_them(within: Enter, alone: Enter) -> None:
    remover = alone("a")
    writer = within("a/b")
    assert not writer.inside
    remover.leave.callback(None)
    assert writer.inside


def test_a_remover_does_not_wait_for_writers_elsewhere(
    within: Enter, alone: Enter
) -> None:
    within("a")
    within("ab")
    assert alone("a/b").inside


def test_nothing_is_remembered_when_all_have_left(
    presence: Presence, within: Enter, alone: Enter
) -> None:
    stays = [within("a/b"), alone("a"), within("a/c")]
    assert len(presence) > 0
    leave(stays)
    assert [stay.stay.called for stay in stays] == [True, True, True]
    assert len(presence) == 0
