"""A real registry is killed at random moments, and started again on its directory.

Clients push, mount, tag and delete all the time. After each kill the files are looked
at, then a new registry is asked: what was acknowledged is there, byte for byte; what
was deleted stays deleted; what was not acknowledged is there whole or not at all; an
unfinished upload tells how much it holds, and can be finished.

``KILLS`` says how often, ``SEED`` makes the clients do the same again, as far as
threads and kernels let them.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import closing
from math import ceil
from pathlib import Path
from threading import Event

import pytest
from counted import counted, noted
from crowd import Crowd
from flows import Flows, run
from line import Line
from promises import OPEN, Key, Promises
from served import read_upload
from stored_tree import Files, faults_of
from truth import Truth

from registry.testing.programs import DIES_WITH_US
from registry.testing.servers import TWISTD, Server

KILLS = int(os.environ.get("KILLS", "20"))
SEED = os.environ.get("SEED") or str(random.SystemRandom().randrange(10**9))

PER_STORE = 25
"""Kills that one store has to survive; then a new one begins."""

CLIENTS = 6
ANSWERS = 60
"""Most answers between a start and a kill."""

DELAY = 0.02
"""Most seconds from the last of these answers to the kill."""

STARTING = 0.6
"""Seconds within which a registry has started, about."""


class Store:
    """A directory, the registries that serve it one after the other, their clients."""

    def __init__(self, work: str, seed: str, programs: list[Server]) -> None:
        self.promises = Promises()
        self._programs = programs
        self._work = work
        self._root = os.path.join(work, "storage")
        self._random = random.Random(seed)
        self._crowd = Crowd(count=CLIENTS, seed=seed, promises=self.promises)
        self._files: Files | None = None

    def survive(self, kills: int) -> None:
        """Be killed that often, and look each time; in the end look at everything."""
        for _ in range(kills):
            server = self._started()
            self._look(server, everything=False)
            self._finish_some(server)
            answers = self._random.randint(1, ANSWERS)
            self._crowd.work(server.client.port, answers=answers, end=self._kill)
            self._look_at_files()
            counted("kills", kills_survived=1)
            if self._random.random() < 0.15:
                self._kill_while_starting()
        server = self._started()
        self._look(server, everything=True)
        counted("kills", requests_acknowledged=self.promises.acknowledged)
        server.stop()

    def _started(self) -> Server:
        server = self._server()
        server.start()
        return server

    def _server(self) -> Server:
        server = Server(command=TWISTD, storage=self._root, work=self._work)
        self._programs[:] = [server]
        return server

    def _kill(self) -> None:
        Event().wait(self._random.uniform(0, DELAY))
        self._programs[-1].kill()

    def _kill_while_starting(self) -> None:
        """Kill one that may not have come so far that it answers."""
        command = [*DIES_WITH_US, *self._server().command]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                code = process.wait(self._random.uniform(0, STARTING))
            except subprocess.TimeoutExpired:
                code = None
            finally:
                process.kill()
        assert code is None, f"it ended by itself with {code}"
        self._look_at_files()
        counted("kills", kills_while_starting=1)

    # Looking.

    def _look_at_files(self) -> None:
        files = Files(self._root)
        wrong = faults_of(files, files.unchanged(self._files))
        self._files = files
        for key, sending in self.promises.sendings.items():
            if not self.promises.may_be(key, OPEN):
                continue
            content = read_upload(self._root, key)
            is_sure = self.promises.is_sure(key, OPEN)
            if not sending.content.startswith(content):
                wrong.append(f"{key} has other bytes than were sent")
            if is_sure and len(content) < sending.offset:
                wrong.append(f"{key} has lost bytes")
        self._judge(wrong)

    def _look(self, server: Server, *, everything: bool) -> None:
        """Ask for what has changed since the last look, and for some of the rest."""
        keys = set(self.promises.keys(None))
        if not everything:
            rest = sorted(keys - self.promises.changed)
            some = self._random.sample(rest, min(30, len(rest)))
            keys = self.promises.changed.union(some)
        with closing(Line(server.client.port)) as line:
            truth = Truth(
                promises=self.promises,
                ask=line.ask,
                read_upload=lambda key: read_upload(self._root, key),
            )
            self._judge(truth.check(keys))
        for key, value in truth.seen.items():
            self.promises.observed(key, value)
        self.promises.changed.clear()
        self._crowd.restarted()

    def _finish_some(self, server: Server) -> None:
        """Resume about half of the uploads that are left."""
        flows = Flows(self.promises)
        with closing(Line(server.client.port)) as line:
            for key, sending in sorted(self.promises.sendings.items()):
                if self._is_left(key) and self._random.random() < 0.5:
                    run(flows.resume(sending), line.ask)
                    counted("kills", uploads_resumed=1)

    def _is_left(self, key: Key) -> bool:
        return self.promises.is_sure(key, OPEN)

    def _judge(self, wrong: list[str]) -> None:
        counted("kills", facts_lost_or_wrong=len(wrong))
        assert wrong == [], f"SEED={SEED}"


STORES = range(ceil(KILLS / PER_STORE))


@pytest.fixture
def programs() -> Iterator[list[Server]]:
    """The registries of a test, of which it leaves none running."""
    programs: list[Server] = []
    yield programs
    for program in programs:
        program.kill()


@pytest.mark.parametrize("number", STORES)
def test_a_registry_that_is_killed_has_lost_nothing(
    number: int, programs: list[Server], tmp_path: Path
) -> None:
    if number == 0:
        noted(f"kills: SEED={SEED} has them in about the same places")
    store = Store(str(tmp_path), f"{SEED}-{number}", programs)
    store.survive(min(PER_STORE, KILLS - number * PER_STORE))
