"""Running a coroutine without a reactor."""

import pytest
from twisted.internet.defer import Deferred

from registry.testing.results import result_of


async def returned() -> int:
    return 5


async def raised() -> None:
    raise KeyError("why")


async def waiting() -> None:
    await Deferred()


def test_gives_the_result_or_raises_the_exception() -> None:
    assert result_of(returned()) == 5
    with pytest.raises(KeyError, match="why"):
        result_of(raised())


def test_refuses_to_wait() -> None:
    with pytest.raises(AssertionError, match="still waits"):
        result_of(waiting())
