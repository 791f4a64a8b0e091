"""What ``registry verify`` prints: findings and repairs as they come, and the sum."""

from __future__ import annotations

import json
import time
from typing import Any, TextIO

from twisted.python.failure import Failure

from registry.service.verify import CannotVerify, Finding, Progress

SOUND, DAMAGED, UNKNOWN = 0, 1, 2
"""Exit statuses."""

WIDTH = 24
"""Characters of the bar."""


class Report:
    """Prints to ``out``, and progress to ``aside`` if a person looks at it there."""

    def __init__(self, *, out: TextIO, aside: TextIO, is_json: bool) -> None:
        self._out = out
        self._aside = aside
        self._is_json = is_json
        self._began = time.monotonic()
        self._drawn = 0
        self.progress = Progress()
        self.status = UNKNOWN
        """The exit status, until it is known better."""

        self.has_bar = not is_json and aside.isatty()

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

    def end(self, outcome: bool | Failure) -> None:
        """Print the sum, and know the exit status."""
        why = ""
        if isinstance(outcome, Failure):
            why = outcome.getErrorMessage()
            if not outcome.check(CannotVerify):
                kind = type(outcome.value).__name__
                why = f"the look failed, report this: {kind}: {why}"
        else:
            self.status = SOUND if outcome else DAMAGED
        self._sum(why)
        if why:
            self._aside.write(f"registry: cannot verify: {_shown(why)}\n")

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
        self._aside.write(f"\r{line.ljust(self._drawn)}")
        self._aside.flush()
        self._drawn = len(line)

    def _sum(self, why: str) -> None:
        done = self.progress
        verdict = {SOUND: "sound", DAMAGED: "damaged", UNKNOWN: "unknown"}[self.status]
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
            self._aside.write(f"\r{' ' * self._drawn}\r")
            self._drawn = 0
        text = json.dumps(fields) if self._is_json else _shown(line)
        self._out.write(f"{text}\n")
        self._out.flush()


def _shown(line: str) -> str:
    """``line`` without anything that a terminal would obey: names may hold it."""
    return "".join(c if c.isprintable() else "?" for c in line)


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
