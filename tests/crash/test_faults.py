"""The disk refuses any one call, or all from there on, of whatever clients do.

Every system call of every scenario is refused in turn, with every error that a disk
that is full, failing or read-only gives: before it had its effect, or after it. Then:

- a client is answered with success, which is true, or with 503 or 507 and an OCI error;
- what was promised is there, and what is there is whole, in the registry that met the
  error and in one that starts on the same directory;
- while nothing can be written any more, all can be read;
- when the disk is well again, the same done again succeeds;
- no descriptor is left open.

``CRASH=long`` tries all combinations; otherwise each call has some of them.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from math import ceil

import pytest
from copies import Stores
from counted import counted
from flows import Flows, Refused
from scenarios import SCENARIOS, Scenario, again
from served import Served

from registry.testing.recorded_disk import HARMLESS
from registry.testing.watched_disk import Call, Interrupt, WatchedDisk, failing

IS_LONG = os.environ.get("CRASH") == "long"

CODES = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS)
FULL = (errno.ENOSPC, errno.EDQUOT)

BEFORE, AFTER, EVER_AFTER = "before", "after", "ever after"
COMBINATIONS = list(product(CODES, (BEFORE, AFTER, EVER_AFTER)))
FEW = 20
"""Calls of a scenario that are refused, spread over all of it, unless it is long."""

STRIDE = 7
"""Coprime to the number of combinations: calls in a row have different ones."""


@pytest.fixture(scope="module")
def stores(fast_path: str) -> Stores:
    return Stores(fast_path)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_refused_call_spoils_nothing(scenario: Scenario, stores: Stores) -> None:
    calls = calls_of(scenario, stores)
    for number, call in enumerate(calls):
        for code, when in combinations(number, len(calls)):
            said = f"{call} refused with {errno.errorcode[code]} {when} (call {number})"
            try:
                Injection(stores, number, code, when).check(scenario)
            except AssertionError as error:
                raise AssertionError(f"{said}: {error}") from error
            counted("fault injection", points_tried=1)


def calls_of(scenario: Scenario, stores: Stores) -> list[Call]:
    """What a scenario asks of the disk when all is well."""
    root, promises = stores.copy()
    disk = WatchedDisk(syncs=False)
    assert scenario.run(Served(root, disk, syncs=scenario.syncs), Flows(promises)) == []
    stores.drop(root)
    return disk.calls


def combinations(number: int, calls: int) -> Iterator[tuple[int, str]]:
    """Which errors a call meets: all there are; or one, if it is among FEW calls."""
    if IS_LONG:
        yield from COMBINATIONS
    elif number % ceil(calls / FEW) == 0:
        yield COMBINATIONS[number * STRIDE % len(COMBINATIONS)]


class Injection:
    """One error, in a store of its own."""

    def __init__(self, stores: Stores, number: int, code: int, when: str) -> None:
        self._stores = stores
        self._code = code
        self._root, self._promises = stores.copy()
        disk = WatchedDisk(syncs=False)
        fault = failing(code, at=number, ever_after=when == EVER_AFTER)
        if when == EVER_AFTER:
            fault = writing_only(fault)
        if when == AFTER:
            disk.afterwards = fault
        else:
            disk.interrupt = fault
        self._disk = disk

    def check(self, scenario: Scenario) -> None:
        """All that has to be so after the error."""
        before = descriptors()
        served = Served(self._root, self._disk, syncs=scenario.syncs)
        refused = scenario.run(served, Flows(self._promises))
        for refusal in refused:
            self._check_refusal(refusal)
        self._check_truth(served)
        self._disk.interrupt = self._disk.afterwards = lambda _number, _call: None
        self._check_truth_of_another()
        if refused:
            again(scenario, served, self._promises, said="done again")
            self._check_truth_of_another()
            self._check_truth(served)
        served.close()
        assert descriptors() == before
        self._stores.drop(self._root)

    def _check_refusal(self, refusal: Refused) -> None:
        reply = refusal.reply
        assert reply.status == (507 if self._code in FULL else 503), refusal
        [error] = json.loads(reply.body)["errors"]
        assert error["code"], refusal
        assert error["message"], refusal
        assert self._root not in reply.body.decode(), refusal

    def _check_truth_of_another(self) -> None:
        """The same for a registry that has just started."""
        with closing(Served(self._root)) as served:
            self._check_truth(served)

    def _check_truth(self, served: Served) -> None:
        """What it shows is allowed; whoever looks later must see the same."""
        truth = served.truth(self._promises)
        assert truth.check() == []
        for key, value in truth.seen.items():
            self._promises.observed(key, value)


def writing_only(fault: Interrupt) -> Interrupt:
    """``fault``, which the calls that only read do not meet."""

    def interrupt(number: int, call: Call) -> None:
        if call.verb not in HARMLESS:
            fault(number, call)

    return interrupt


def descriptors() -> int:
    """How many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))
