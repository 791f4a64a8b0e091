"""``python -m benchmarks``: our registry beside docker-registry and nginx."""

from __future__ import annotations

import argparse
import fnmatch
import json
import signal
import sys
import tempfile
from pathlib import Path

import attrs

from benchmarks import report
from benchmarks.bench import Bench, Result, say
from benchmarks.failure import LoadFailed
from benchmarks.load import Load
from benchmarks.loads import loads
from benchmarks.machine import Machine
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.servers import programs


def main() -> int:
    """Measure and print; 1 when a load failed, 2 when nothing could be measured."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    scale = QUICK if asked.quick else FULL
    if asked.rounds:
        scale = attrs.evolve(scale, rounds=asked.rounds)
    chosen = _chosen(scale, asked.only)
    if asked.list or not chosen:
        print("\n".join(load.name for load in loads(scale)))
        return 0 if asked.list else 2
    try:
        return _measure(chosen, scale, asked)
    except LoadFailed as failure:
        say(f"nothing was measured: {failure}")
        return 2


def _measure(chosen: list[Load], scale: Scale, asked: argparse.Namespace) -> int:
    """Run and report; an interrupted run reports what it has."""
    machine = Machine.this()
    contestants = programs(asked.registry)
    versions = {program.name: program.version() for program in contestants}
    print(report.heading(machine, versions), end="\n\n", flush=True)
    results: list[list[Result]] = []
    status = 0
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=asked.directory) as directory,
        Bench(programs=contestants, scale=scale, directory=Path(directory)) as bench,
    ):
        try:
            for of_one_load in bench.run(chosen):
                results.append(of_one_load)
                status |= any(result.failure for result in of_one_load)
        except KeyboardInterrupt:
            say("interrupted: what follows is not complete")
            status = 130
        if results:
            print(report.table(results), report.verdict(results), sep="\n\n")
        if asked.json:
            said = report.as_json(machine, versions, results)
            Path(asked.json).write_text(json.dumps(said, indent=2) + "\n")
    return status


def _chosen(scale: Scale, patterns: list[str]) -> list[Load]:
    return [
        load
        for load in loads(scale)
        if not patterns
        or any(fnmatch.fnmatchcase(load.name, pattern) for pattern in patterns)
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="run this load; may be given again, and may be a pattern like 'tls-*'",
    )
    parser.add_argument("--list", action="store_true", help="print the loads' names")
    parser.add_argument("--rounds", type=int, help="rounds of each load (default 3)")
    parser.add_argument(
        "--quick", action="store_true", help="everything once, small: a smoke test"
    )
    parser.add_argument("--json", metavar="FILE", help="write all readings there too")
    parser.add_argument(
        "--registry",
        metavar="COMMAND",
        default=str(Path(sys.executable).with_name("registry")),
        help="what runs our registry (default: beside this Python)",
    )
    parser.add_argument(
        "--directory",
        help="where the temporary directory is made; a real disk (default: /tmp)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
