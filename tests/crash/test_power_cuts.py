"""The power is cut at any moment of what clients do, on a disk that loses what it may.

All that is asked of the disk is recorded with its bytes. At every point of every
scenario, trees are made that a cut may leave (``registry/testing/power_cut.py``), and a
registry starts on each of them: what was answered before that point is there and whole,
what was not is there whole or not at all, and no link leads to what is missing. On some
of them the same is done again, and succeeds.

``CRASH=long`` tries more mixtures of what is kept and what is lost.
"""

from __future__ import annotations

import errno
import gc
import os
import shutil
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing
from math import ceil
from random import Random

import attrs
import pytest
from counted import counted
from flows import Flows
from promises import Promises
from scenarios import SCENARIOS, Scenario, again, prepare
from served import Served
from shelf import Shelf, Tree
from stored_tree import faults_of

from registry.testing.power_cut import Remains, Story
from registry.testing.recorded_disk import (
    HARMLESS,
    ROOT,
    RecordedDisk,
    Step,
    Sync,
    SyncDirectory,
    Write,
)
from registry.testing.watched_disk import Call, Killed, failing, killing

IS_LONG = os.environ.get("CRASH") == "long"
MIXTURES = 20 if IS_LONG else 1
FEW = 6
"""Calls of a scenario that fail, spread over all of it, unless it is long."""

AGAIN_EVERY = 1 if IS_LONG else 8


@attrs.frozen
class Recorded:
    """A store on a recorded disk, from its first directory on."""

    root: str
    disk: RecordedDisk
    promises: Promises

    @classmethod
    def prepared(cls, root: str) -> Recorded:
        """One that scenarios can begin on."""
        os.mkdir(root)
        disk = RecordedDisk(root=root)
        promises = Promises(position=lambda: len(disk.steps))
        with closing(Served(root, disk)) as served:
            prepare(served, Flows(promises))
        return cls(root, disk, promises)

    def served(self, scenario: Scenario) -> Served:
        """A registry that starts on it."""
        return Served(self.root, self.disk, syncs=scenario.syncs)

    def copied(self, root: str) -> Recorded:
        """The same, to go on with elsewhere."""
        shutil.copytree(self.root, root)
        disk = self.disk.moved_to(root)
        promises = self.promises.branch()
        promises.position = lambda: len(disk.steps)
        return Recorded(root, disk, promises)


class Copies:
    """Copies of a store, one at a time."""

    def __init__(self, original: Recorded, root: str) -> None:
        self._original = original
        self._root = root

    def new(self) -> Recorded:
        """Another, in place of the one before."""
        self.drop()
        return self._original.copied(self._root)

    def drop(self) -> None:
        """Remove what is there."""
        shutil.rmtree(self._root, ignore_errors=True)


@pytest.fixture(scope="module")
def original(fast_path: str) -> Recorded:
    return Recorded.prepared(os.path.join(fast_path, "original"))


@pytest.fixture
def copies(original: Recorded, fast_path: str) -> Iterator[Copies]:
    copies = Copies(original, os.path.join(fast_path, "store"))
    yield copies
    copies.drop()


@pytest.fixture
def shelf(fast_path: str) -> Iterator[Shelf]:
    shelf = Shelf(os.path.join(fast_path, "shelf"))
    yield shelf
    shutil.rmtree(shelf.root)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_power_cut_at_any_point_loses_nothing_that_was_answered(
    scenario: Scenario, copies: Copies, shelf: Shelf
) -> None:
    store = copies.new()
    first = len(store.disk.steps)
    with closing(store.served(scenario)) as served:
        assert scenario.run(served, Flows(store.promises)) == []
    Cuts(store, shelf, scenario).check(range(first, len(store.disk.steps) + 1))


@pytest.mark.parametrize("lost", [Sync, SyncDirectory])
def test_a_disk_that_does_not_sync_would_be_found_out(
    lost: type[Step], copies: Copies, shelf: Shelf
) -> None:
    [scenario] = [
        each for each in SCENARIOS if each.name == "a blob in a new repository"
    ]
    store = copies.new()
    first = len(store.disk.steps)
    with closing(store.served(scenario)) as served:
        scenario.run(served, Flows(store.promises))
    steps = store.disk.steps
    steps[first:] = [
        Write(ROOT, b"") if isinstance(step, lost) else step for step in steps[first:]
    ]
    with pytest.raises(AssertionError, match="cut"):
        Cuts(store, shelf, scenario).check(range(first, len(steps) + 1))


class Cuts:
    """The power is cut somewhere in the story of ``store``."""

    def __init__(self, store: Recorded, shelf: Shelf, scenario: Scenario) -> None:
        self._store = store
        self._shelf = shelf
        self._scenario = scenario
        self._story = Story(store.disk.steps)
        self._moments = store.promises.moments()
        self._tried: set[tuple[int, frozenset[object]]] = set()

    def check(self, positions: range) -> None:
        """Cut it at each of these positions."""
        random = Random(self._scenario.name)
        for position in positions:
            trees = self._story.remains(position, random, MIXTURES)
            for number, remains in enumerate(trees):
                if self._is_new(position, remains):
                    with_more = (position + number) % AGAIN_EVERY == 0
                    self._check(position, number, remains, with_more=with_more)
            counted("power cuts", points_tried=1)

    def _is_new(self, position: int, remains: Remains) -> bool:
        """Whether this was not tried before, with the same things promised."""
        promised = bisect_right(self._moments, position)
        tried = (promised, frozenset(remains.items()))
        is_new = tried not in self._tried
        self._tried.add(tried)
        return is_new

    def _check(
        self, position: int, number: int, remains: Remains, *, with_more: bool
    ) -> None:
        step = self._store.disk.steps[position - 1]
        said = f"cut {position}, after {step}, tree {number}"
        tree = contents(self._story, remains)
        files = {path: bytes_ for path, bytes_ in tree.items() if bytes_ is not None}
        assert faults_of(files) == [], said
        self._shelf.show(tree)
        promises = self._store.promises.branch(at=position)
        check_truth(self._shelf.root, promises, said)
        if with_more:
            self._go_on(promises, said)
        counted("power cuts", trees_tried=1, gone_on_with=with_more)

    def _go_on(self, promises: Promises, said: str) -> None:
        """Clients do again what they did."""
        with closing(Served(self._shelf.root)) as served:
            again(self._scenario, served, promises, said=said, is_torn=True)
        check_truth(self._shelf.root, promises, f"{said}, done again")
        self._shelf.spoil()


def contents(story: Story, remains: Remains) -> Tree:
    """What is left, with its bytes."""
    return {
        path: None if kept is None else story.content(kept)
        for path, kept in remains.items()
    }


def check_truth(root: str, promises: Promises, said: str) -> None:
    """A registry that starts on ``root`` shows what it may, and goes on to."""
    with closing(Served(root)) as served:
        truth = served.truth(promises, is_torn=True)
        assert truth.check() == [], said
    for key, value in truth.seen.items():
        promises.observed(key, value)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_is_answered_after_a_failure_survives_a_power_cut(
    scenario: Scenario, when: str, copies: Copies, shelf: Shelf
) -> None:
    """A name that was not synced is seen by everybody, and the power may undo it.

    So it is not enough for a second push to find it there, nor for a second delete to
    find it gone.
    """
    for number in failing_calls(scenario, copies):
        store = copies.new()
        failed = fail_once_and_do_again(scenario, store, number, when)
        said = f"{failed} failed {when}, done again, then cut"
        counted("power cuts", trees_after_a_failure=cut_now(store, shelf, said))


def failing_calls(scenario: Scenario, copies: Copies) -> list[int]:
    """The numbers of the calls in a scenario that change something or sync it."""
    store = copies.new()
    with closing(store.served(scenario)) as served:
        scenario.run(served, Flows(store.promises))
    calls = enumerate(store.disk.calls)
    numbers = [number for number, call in calls if call.verb not in HARMLESS]
    return numbers if IS_LONG else numbers[:: ceil(len(numbers) / FEW)]


def fail_once_and_do_again(
    scenario: Scenario, store: Recorded, number: int, when: str
) -> Call:
    """Do it with one call failing, have all looked at, and do it once more."""
    fault = failing(errno.EIO, at=number, ever_after=False)
    if when == "before":
        store.disk.interrupt = fault
    else:
        store.disk.afterwards = fault
    with closing(store.served(scenario)) as served:
        scenario.run(served, Flows(store.promises))
        served.truth(store.promises).check()
        again(scenario, served, store.promises, said=f"call {number}", is_torn=True)
    return store.disk.calls[number]


@pytest.fixture
def buried() -> Iterator[None]:
    """What a killed process had begun is ended here, by the garbage collector."""
    yield
    gc.collect()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("buried")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_a_killed_process_left_is_made_to_last_before_it_is_relied_on(
    scenario: Scenario, copies: Copies, shelf: Shelf
) -> None:
    """The next process sees what was not synced yet, and the power may undo it."""
    for number in failing_calls(scenario, copies):
        store = copies.new()
        killed_and_done_again(scenario, store, number)
        said = f"killed before {store.disk.calls[number]}, done again, then cut"
        counted("power cuts", trees_after_a_kill=cut_now(store, shelf, said))


def killed_and_done_again(scenario: Scenario, store: Recorded, number: int) -> None:
    """End the process before a call, and do it once more in another."""
    store.disk.interrupt = killing(at=number)
    with pytest.raises(Killed):
        scenario.run(store.served(scenario), Flows(store.promises))
    store.disk.interrupt = lambda _number, _call: None
    store.promises.end_all()
    with closing(store.served(scenario)) as served:
        said = f"killed at {number}"
        again(scenario, served, store.promises, said=said, is_torn=True)


def cut_now(store: Recorded, shelf: Shelf, said: str) -> int:
    """Cut the power when all was answered; how many trees were looked at."""
    story, position = Story(store.disk.steps), len(store.disk.steps)
    trees = [story.worst(position), story.mixture(position, Random(position))]
    for remains in trees:
        shelf.show(contents(story, remains))
        check_truth(shelf.root, store.promises.branch(), said)
    return len(trees)
