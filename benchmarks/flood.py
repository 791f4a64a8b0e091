"""``python -m benchmarks.flood``: what slow clients cost the others.

Our registry alone, first quiet, then with 500 clients that dribble their headers and
500 that dribble a body. Beside them, GETs of a manifest on 8 connections and pushes of
4 KiB; the p99 of both is what is wanted: at most twice its quiet value.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import attrs

from benchmarks import content
from benchmarks.bench import say
from benchmarks.client import Client
from benchmarks.failure import LoadFailed
from benchmarks.gets import of_a_manifest
from benchmarks.scale import FULL
from benchmarks.servers import OURS, Registry, Server
from benchmarks.tree import RegistryTree
from registry.testing.slow_clients import SlowClients

WANTED = 2.0
"""The most that the p99 beside the slow clients may be of the quiet one."""

CONNECTIONS = 8
PUSHES = 400
EVERY = 2.0
"""Seconds between two bytes of one slow client: slow enough to be tolerated a while."""


@attrs.frozen(kw_only=True)
class Seen:
    """What the others saw in one round: p99 in milliseconds."""

    get: float
    push: float
    rate: float


def main() -> int:
    """Measure and print; 1 when the slow clients cost too much, 2 without figures."""
    asked = _arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="flood-", dir=asked.directory) as place:
            return _measure(asked, Path(place))
    except LoadFailed as failure:
        say(f"nothing was measured: {failure}")
        return 2


def _measure(asked: argparse.Namespace, place: Path) -> int:
    server = Server(
        program=Registry(OURS, [asked.registry]),
        root=place / "tree",
        directory=place,
        certificate=None,
    )
    content.draw_images(RegistryTree(server.root), [FULL.small_blob])
    server.ensure()
    try:
        rounds = _rounds(server, asked)
        peak = server.process.peak() / content.MIB
    finally:
        server.stop()
    print(f"{asked.slow} slow heads and {asked.slow} slow bodies beside the others\n")
    quiet, beside = zip(*rounds, strict=True)
    ratio = _print(quiet, beside)
    print(f"most memory: {peak:.0f} MiB")
    return int(ratio > WANTED)


def _rounds(server: Server, asked: argparse.Namespace) -> list[tuple[Seen, Seen]]:
    """What is seen in each round: quiet, and beside the slow ones."""
    _see(server, 1)
    rounds: list[tuple[Seen, Seen]] = []
    for turn in range(asked.rounds):
        rounds.append((_see(server, asked.seconds), _see_beside(server, asked)))
        say("round {}: quiet {}, beside {}".format(turn + 1, *rounds[-1]))
    return rounds


def _print(quiet: Sequence[Seen], beside: Sequence[Seen]) -> float:
    """Print the figures; the worse of the ratios."""
    print("| p99 ms | quiet | beside | ratio | wanted |\n|---|---|---|---|---|")
    ratios = [
        _line("manifest GET", [s.get for s in quiet], [s.get for s in beside]),
        _line("push 4 KiB", [s.push for s in quiet], [s.push for s in beside]),
    ]
    rates = [statistics.median(s.rate for s in some) for some in (quiet, beside)]
    print(f"\nGETs: {rates[0]:,.0f}/s quiet, {rates[1]:,.0f}/s beside")
    return max(ratios)


def _see_beside(server: Server, asked: argparse.Namespace) -> Seen:
    """The others' round while the slow ones hold on; none may be let go meanwhile."""
    with SlowClients(
        port=server.address.port, heads=asked.slow, bodies=asked.slow, every=EVERY
    ) as slow:
        seen = _see(server, asked.seconds)
        if slow.open < 2 * asked.slow:
            raise LoadFailed(f"only {slow.open} slow clients were held all the time")
    return seen


def _see(server: Server, seconds: float) -> Seen:
    gets = of_a_manifest(server, connections=CONNECTIONS, seconds=seconds)
    client = Client(
        "push", server.address, way="put", size=FULL.small_push, count=PUSHES, at_once=4
    )
    with client:
        client.go()
        pushes = client.outcome()
    return Seen(
        get=(gets.p99 or 0) * 1e3,
        push=(pushes.p99 or 0) * 1e3,
        rate=gets.count / gets.seconds,
    )


def _line(what: str, quiet: list[float], beside: list[float]) -> float:
    before, after = statistics.median(quiet), statistics.median(beside)
    ratio = after / before
    print(f"| {what} | {before:.2f} | {after:.2f} | {ratio:.2f} | {WANTED} |")
    return ratio


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.flood", description=__doc__)
    parser.add_argument("--slow", type=int, default=500, help="of each kind")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--registry",
        default=str(Path(sys.executable).with_name("registry")),
        help="our registry's program (default: beside this Python)",
    )
    parser.add_argument("--directory", help="where the temporary directory is made")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
