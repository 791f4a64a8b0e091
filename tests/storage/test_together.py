"""Lists of changes that wait for the disk go together, and fail for themselves."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from always import always
from twisted.internet.defer import Deferred

from registry.storage.changes import Changes
from registry.storage.commit import Commit
from registry.storage.directories import Directories
from registry.storage.disk import Disk
from registry.storage.driver import (
    Absent,
    Append,
    Change,
    Move,
    Put,
    StorageFailure,
)
from registry.storage.together import MOST, Together
from registry.storage.whole_sync import NO_WHOLE_SYNC

Lists = Sequence[Sequence[Change]]


class Held:
    """Workers that do nothing until they are told to."""

    def __init__(self) -> None:
        self.turns: list[tuple[Callable[[], Any], Deferred[Any]]] = []

    def run(self, work: Callable[..., Any], /, *args: Any) -> Deferred[Any]:
        turn: Deferred[Any] = Deferred()
        self.turns.append((lambda: work(*args), turn))
        return turn

    def go(self) -> None:
        """Do the first turn that waits."""
        work, turn = self.turns.pop(0)
        try:
            turn.callback(work())
        except RuntimeError:
            turn.errback()


@pytest.fixture(params=[False, True], ids=["alone", "as a whole"])
def commit(request: pytest.FixtureRequest, tmp_path: Path) -> Commit:
    """What carries them out, syncing one after the other or everything at once."""
    disk, root = Disk(), str(tmp_path)
    directories = Directories(disk=disk, root=root)
    return Commit(
        disk=disk,
        root=root,
        changes=Changes(disk=disk, root=root, directories=directories),
        directories=directories,
        whole=always(disk, root) if request.param else NO_WHOLE_SYNC,
    )


def test_what_waits_goes_in_one_turn() -> None:
    seen: list[int] = []

    def carry_out(lists: Lists) -> list[Exception | None]:
        seen.append(len(lists))
        return [None] * len(lists)

    workers = Held()
    together = Together(workers=workers, carry_out=carry_out)
    waiting = [together.apply([Put("a", b"")]) for _ in range(3 + MOST)]
    assert len(workers.turns) == 1
    while workers.turns:
        workers.go()
    assert seen == [1, MOST, 2]
    assert all(one.called and one.result is None for one in waiting)


def test_a_turn_that_breaks_fails_all_of_it_and_nothing_later() -> None:
    broken = [True]

    def carry_out(lists: Lists) -> list[Exception | None]:
        if broken.pop() if broken else False:
            raise RuntimeError("no thread")
        return [None] * len(lists)

    workers = Held()
    together = Together(workers=workers, carry_out=carry_out)
    first = together.apply([Put("a", b"")])
    second = together.apply([Put("b", b"")])
    workers.go()
    workers.go()
    first.addErrback(lambda failure: failure.trap(RuntimeError))
    assert first.result is RuntimeError
    assert second.result is None


@pytest.mark.parametrize(
    ("bad", "raised"),
    [
        ([Move("none", "b")], Absent),
        ([Append("none", 0, (b"x",))], Absent),
        ([Put("file/below", b"")], StorageFailure),
    ],
)
def test_lists_do_not_fail_for_each_others_sake(
    commit: Commit, tmp_path: Path, bad: list[Change], raised: type[Exception]
) -> None:
    assert commit.carry_out([[Put("file", b"")]]) == [None]
    before, after = [Put("d/a", b"a")], [Put("d/b", b"b")]
    outcomes = commit.carry_out([before, [Put("d/c", b"c"), *bad], after])
    assert outcomes[0] is outcomes[2] is None
    assert isinstance(outcomes[1], raised)
    assert {path.name for path in (tmp_path / "d").iterdir()} == {"a", "b", "c"}


def test_a_directory_that_vanishes_meanwhile_is_made_again(
    commit: Commit, tmp_path: Path
) -> None:
    assert commit.carry_out([[Put("d/e/a", b"a")]]) == [None]
    (tmp_path / "d/e/a").unlink()
    (tmp_path / "d/e").rmdir()
    (tmp_path / "d").rmdir()
    assert commit.carry_out([[Put("d/e/b", b"b")], [Put("d/c", b"c")]]) == [None, None]
    assert (tmp_path / "d/e/b").read_bytes() == b"b"
    assert (tmp_path / "d/c").read_bytes() == b"c"
