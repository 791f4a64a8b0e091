"""Runs loads: draws trees, starts servers, gives them turns, stops them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs

from benchmarks import content
from benchmarks.certificate import Certificate
from benchmarks.failure import LoadFailed
from benchmarks.load import Ground, Load
from benchmarks.measure import Reading, Summary
from benchmarks.scale import Scale
from benchmarks.servers import Program, Server
from benchmarks.tree import Tree


@attrs.frozen(kw_only=True)
class Result:
    """What one load gave on one server: readings, or the reason for none."""

    load: Load
    server: str
    readings: list[Reading]
    failure: str | None

    @property
    def summary(self) -> Summary | None:
        """The figures, unless the load failed."""
        return None if self.failure else Summary.of(self.load.unit, self.readings)


class Bench:
    """All programs, below one directory. Leaving the context stops what runs."""

    def __init__(
        self, *, programs: Sequence[Program], scale: Scale, directory: Path
    ) -> None:
        self._programs = programs
        self._scale = scale
        self._directory = directory
        self._certificate = Certificate.make(directory)
        self._drawn: set[Path] = set()
        self._servers: list[Server] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def run(self, loads: Sequence[Load]) -> Iterator[list[Result]]:
        """The results of each load in turn, one per server.

        Loads that follow each other on the same ground share running servers.
        """
        for (ground, tls), group in groupby(loads, lambda one: (one.ground, one.tls)):
            chosen = list(group)
            wanted = [
                program
                for program in self._programs
                if program.is_registry or not all(x.registries_only for x in chosen)
            ]
            self._servers = [self._server(program, ground, tls) for program in wanted]
            for load in chosen:
                yield self._take_turns(load)
            self._stop()

    def _stop(self) -> None:
        for server in self._servers:
            server.stop()
        self._servers = []

    def _server(self, program: Program, ground: Ground, tls: bool) -> Server:
        home = self._directory / program.name
        owner = self._directory if ground.is_only_read else home
        root = owner / "trees" / ground.value
        if root not in self._drawn:
            say(f"drawing {root.relative_to(self._directory)}")
            _draw(program.tree(root), ground, self._scale)
            self._drawn.add(root)
        return Server(
            program=program,
            root=root,
            directory=home / f"{ground.value}{'-tls' if tls else ''}",
            certificate=self._certificate if tls else None,
        )

    def _take_turns(self, load: Load) -> list[Result]:
        """Warm up all, then every round asks all, each time another one first."""
        servers = [server for server in self._servers if load.suits(server)]
        readings: dict[str, list[Reading]] = {server.name: [] for server in servers}
        failures: dict[str, str] = {}
        if load.warm and self._scale.warms_up:
            for server in servers:
                self._read(load, server, self._scale.warm_up(), failures)
        for turn in range(self._scale.rounds):
            first = turn % len(servers)
            for server in servers[first:] + servers[:first]:
                reading = self._read(load, server, self._scale, failures)
                if reading is not None:
                    readings[server.name].append(reading)
                    value = load.unit.value(reading)
                    say(f"{load.name} {server.name}: {value:,.1f} {load.unit.label}")
        return [
            Result(
                load=load,
                server=name,
                readings=taken,
                failure=failures.get(name),
            )
            for name, taken in readings.items()
        ]

    def _read(
        self, load: Load, server: Server, scale: Scale, failures: dict[str, str]
    ) -> Reading | None:
        """One reading; the first failure of a server ends its turns at this load."""
        if server.name in failures:
            return None
        try:
            if load.ground in (Ground.IMAGES, Ground.LISTED):
                server.ensure()
            return load.run(server, scale)
        except (LoadFailed, OSError) as failure:
            failures[server.name] = str(failure)
            say(f"{load.name} {server.name}: FAILED: {failure}")
            return None


def say(what: str) -> None:
    """Progress, apart from the results."""
    print(what, file=sys.stderr, flush=True)


def _draw(tree: Tree, ground: Ground, scale: Scale) -> None:
    if ground is Ground.IMAGES:
        sizes = {
            scale.small_blob,
            scale.middle_blob,
            scale.large_blob,
            scale.crowd_blob,
        }
        content.draw_images(tree, sorted(sizes))
    elif ground is Ground.FULL:
        content.draw_repositories(
            tree, repositories=scale.repositories, tags=scale.tags_per_repository
        )
    elif ground is Ground.LISTED:
        content.draw_repositories(tree, repositories=scale.listed, tags=1)
        content.draw_tags(tree, scale.listed)
