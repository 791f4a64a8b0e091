"""``registry verify CONFIG``: whether a whole store is sound, and what is wrong with it.

It only reads, unless told to repair, and may run beside a registry that serves. Exit
status 0: sound; 1: damage was found, and is not mended; 2: it could not be told.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any, TextIO

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from registry.cli.launch import launch_configuration
from registry.config.errors import ConfigError
from registry.service.verify import (
    CannotVerify,
    Finding,
    Progress,
    Verification,
)
from registry.service.workers import command_workers

HELP = "check a whole store: contents, links, and that everything can be reached"

SOUND, DAMAGED, UNKNOWN = 0, 1, 2

WIDTH = 24
"""Characters of the bar."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what to look at, and what to do about it."""
    parser.add_argument(
        "config",
        nargs="?",
        metavar="CONFIG",
        help="the configuration of the registry; without it ./registry-data",
    )
    parser.add_argument("--storage", metavar="DIR", help="look at DIR instead")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line, the sum last"
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="make the safe repairs; only while no registry serves the store",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what --repair would do"
    )
    parser.add_argument(
        "--workers",
        type=_count,
        default=4,
        metavar="N",
        help="how many files to read at once (4)",
    )


def run(options: Namespace) -> int:
    """Look at the store; the exit status."""
    try:
        config = launch_configuration(
            options.config, port=None, storage=options.storage
        )
    except ConfigError as error:
        print(error, file=sys.stderr)
        return UNKNOWN
    from twisted.internet import reactor

    report = Report(is_json=options.json)
    verification = Verification(
        config=config,
        workers=command_workers(reactor, options.workers),
        clock=reactor,  # type: ignore[arg-type]  # a module
        now=time.time,
        told=report,
        at_once=options.workers,
        repairs=options.repair or options.dry_run,
        is_dry=options.dry_run,
    )
    return _carried_out(verification, report, reactor)


def _carried_out(verification: Verification, report: Report, reactor: Any) -> int:  # noqa: ANN401 - a module
    status = [UNKNOWN]
    bar = LoopingCall(report.show_progress)

    def watch(progress: Progress) -> None:
        report.progress = progress
        if report.has_bar:
            bar.start(0.2)

    def ended(outcome: bool | Failure) -> None:
        if bar.running:
            bar.stop()
        status[0] = report.end(outcome)
        reactor.stop()

    def begin() -> None:
        Deferred.fromCoroutine(verification.run(watch)).addBoth(ended)

    reactor.callWhenRunning(begin)
    reactor.run()
    return status[0]


class Report:
    """What is printed: findings and repairs as they come, progress in between."""

    def __init__(self, *, is_json: bool) -> None:
        self._is_json = is_json
        self._out: TextIO = sys.stdout
        self._bar: TextIO = sys.stderr
        self._began = time.monotonic()
        self._drawn = 0
        self.progress = Progress()
        self.has_bar = not is_json and self._bar.isatty()

    def found(self, finding: Finding) -> None:
        """Print something that was found."""
        severity = finding.severity.value
        fields = {
            "finding": severity,
            "kind": finding.kind.value,
            "path": finding.path,
            "message": finding.message,
        }
        self._print(fields, f"{severity}: {finding.path}: {finding.message}")

    def repaired(self, finding: Finding, result: str) -> None:
        """Print what was done about it."""
        fields = {"repair": finding.kind.value, "path": finding.path, "result": result}
        self._print(fields, f"repair: {finding.path}: {result}")

    def end(self, outcome: bool | Failure) -> int:
        """Print the sum; the exit status."""
        status, why = UNKNOWN, ""
        if isinstance(outcome, Failure):
            why = outcome.getErrorMessage()
            if not outcome.check(CannotVerify):
                why = f"the look failed: {outcome.type.__name__}: {why}; report this"
        else:
            status = SOUND if outcome else DAMAGED
        self._sum(status, why)
        if why:
            print(f"registry: cannot verify: {why}", file=sys.stderr)
        return status

    def show_progress(self) -> None:
        """Draw the bar again."""
        done = self.progress
        filled = round(done.part * WIDTH)
        seconds = max(time.monotonic() - self._began, 0.001)
        line = (
            f"[{'#' * filled}{'.' * (WIDTH - filled)}] {done.part:4.0%}"
            f" {done.contents:,} contents, {_size(done.bytes)},"
            f" {_size(done.bytes / seconds)}/s; {done.repositories:,} repositories;"
            f" {done.damage:,} damaged"
        )
        self._bar.write(f"\r{line.ljust(self._drawn)}")
        self._bar.flush()
        self._drawn = len(line)

    def _sum(self, status: int, why: str) -> None:
        done = self.progress
        verdict = {SOUND: "sound", DAMAGED: "damaged", UNKNOWN: "unknown"}[status]
        fields = {
            "summary": verdict,
            "contents": done.contents,
            "bytes": done.bytes,
            "repositories": done.repositories,
            "links": done.links,
            "manifests": done.manifests,
            "tags": done.tags,
            "damage": done.damage,
            "unreadable": done.unreadable,
            "notes": done.notes,
            "unheld": done.unheld,
            "seconds": round(time.monotonic() - self._began, 3),
        }
        if why:
            fields["why"] = why
        self._print(
            fields,
            f"{verdict}: {done.contents:,} contents ({_size(done.bytes)}),"
            f" {done.repositories:,} repositories, {done.manifests:,} manifests,"
            f" {done.tags:,} tags; {done.damage:,} damaged, {done.unreadable:,} not"
            f" readable, {done.notes:,} notes, {done.unheld:,} contents that no"
            " repository holds",
        )

    def _print(self, fields: dict[str, Any], line: str) -> None:
        if self._drawn:
            self._bar.write(f"\r{' ' * self._drawn}\r")
            self._drawn = 0
        text = json.dumps(fields) if self._is_json else _shown(line)
        print(text, file=self._out, flush=True)


def _shown(line: str) -> str:
    """``line`` without anything that a terminal would obey: names may hold it."""
    return "".join(c if c.isprintable() else "?" for c in line)


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise ArgumentTypeError("the number of workers is from 1 to 64")
    return int(text)
