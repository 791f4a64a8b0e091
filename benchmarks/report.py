"""The results for people (a Markdown table) and for programs (JSON)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from benchmarks.bench import Result
from benchmarks.content import MIB
from benchmarks.load import Load
from benchmarks.machine import Machine
from benchmarks.measure import Summary
from benchmarks.servers import OURS

COLUMNS = [
    "load",
    "server",
    "median",
    "lowest to highest",
    "p99 ms",
    "CPU",
    "peak MiB",
    "ours over it",
    "CPU ours over it",
    "wanted",
]

Results = Sequence[Sequence[Result]]
"""One inner sequence per load, with one result per server."""


def heading(machine: Machine, versions: Mapping[str, str]) -> str:
    """The machine, the date and the versions."""
    where = (
        f"{machine.taken}, {machine.cpu}, {machine.cores} cores,"
        f" {machine.memory / 1024 / MIB:.0f} GiB, Linux {machine.kernel},"
        f" Python {machine.python}, load average {machine.busy:.1f} before the start"
    )
    lines = [where, ""]
    lines += [f"- {name}: {version}" for name, version in versions.items()]
    return "\n".join(lines)


def table(results: Results) -> str:
    """All figures, one row per load and server."""
    rows = [COLUMNS]
    for of_one_load in results:
        ours = _ours(of_one_load)
        rows += [_row(result, ours) for result in of_one_load]
    return _aligned(rows)


def verdict(results: Results) -> str:
    """How many wishes were met, and the ones that were not."""
    wishes = [wish for of_one_load in results for wish in _wishes(of_one_load)]
    missed = [f"- missed: {text}" for text, met in wishes if not met]
    failed = [
        f"- FAILED: {result.load.title} on {result.server}: {result.failure}"
        for of_one_load in results
        for result in of_one_load
        if result.failure
    ]
    met = len(wishes) - len(missed)
    return "\n".join([f"{met} of {len(wishes)} wishes met", *missed, *failed])


def as_json(
    machine: Machine, versions: Mapping[str, str], results: Results
) -> dict[str, object]:
    """Everything, with every single reading."""
    return {
        "machine": attrs.asdict(machine),
        "versions": dict(versions),
        "loads": [_load_json(of_one_load) for of_one_load in results],
        "missed": [
            text
            for of_one_load in results
            for text, met in _wishes(of_one_load)
            if not met
        ],
    }


def _load_json(results: Sequence[Result]) -> dict[str, object]:
    load, ours = results[0].load, _ours(results)
    return {
        "name": load.name,
        "title": load.title,
        "unit": load.unit.label,
        "cpu_unit": load.unit.cpu_label,
        "more_is_better": load.unit.more_is_better,
        "servers": {
            result.server: {
                "failure": result.failure,
                "summary": attrs.asdict(result.summary) if result.summary else None,
                "readings": [attrs.asdict(reading) for reading in result.readings],
                "ours_over_it": _ratio(ours, result.summary),
                "cpu_ours_over_it": _cpu_ratio(ours, result.summary),
            }
            for result in results
        },
    }


def _ours(results: Sequence[Result]) -> Summary | None:
    found = [result.summary for result in results if result.server == OURS]
    return found[0] if found else None


def _ratio(ours: Summary | None, other: Summary | None) -> float | None:
    if ours is None or other is None or not other.median:
        return None
    return ours.median / other.median


def _cpu_ratio(ours: Summary | None, other: Summary | None) -> float | None:
    if ours is None or other is None or not other.cpu:
        return None
    return ours.cpu / other.cpu


def _row(result: Result, ours: Summary | None) -> list[str]:
    load, summary = result.load, result.summary
    if summary is None:
        return [load.title, result.server, "FAILED", *[""] * (len(COLUMNS) - 3)]
    theirs = None if result.server == OURS else summary
    note = f" ({summary.note})" if summary.note else ""
    return [
        load.title,
        result.server,
        f"{_figure(summary.median)} {load.unit.label}{note}",
        f"{_figure(summary.lowest)} to {_figure(summary.highest)}",
        "" if summary.p99 is None else _figure(summary.p99 * 1e3),
        f"{_figure(summary.cpu)} {load.unit.cpu_label}",
        f"{summary.peak / MIB:.0f}",
        _times(_ratio(ours, theirs)),
        _times(_cpu_ratio(ours, theirs)),
        _wanted(load, result.server),
    ]


def _wanted(load: Load, server: str) -> str:
    wanted = []
    if server == OURS and load.ceiling is not None:
        wanted.append(f"at most {load.ceiling:g} {load.unit.label}")
    if server in load.floors:
        wanted.append(f"at least {load.floors[server]:g}x")
    if server in load.cpu_ceilings:
        wanted.append(f"CPU at most {load.cpu_ceilings[server]:g}x")
    return ", ".join(wanted)


def _wishes(results: Sequence[Result]) -> list[tuple[str, bool]]:
    """What was wanted of one load that can be judged, and whether it was met."""
    ours = _ours(results)
    if ours is None:
        return []
    load = results[0].load
    wishes = []
    if load.ceiling is not None:
        text = (
            f"{load.title}: {_figure(ours.median)} {load.unit.label},"
            f" wanted at most {load.ceiling:g}"
        )
        wishes.append((text, ours.median <= load.ceiling))
    for result in results:
        wishes += _ratio_wishes(load, ours, result)
    return wishes


def _ratio_wishes(load: Load, ours: Summary, result: Result) -> list[tuple[str, bool]]:
    wishes = []
    ratio, floor = _ratio(ours, result.summary), load.floors.get(result.server)
    if ratio is not None and floor is not None:
        text = f"{load.title}: {_times(ratio)} {result.server}, wanted {floor:g}x"
        wishes.append((text, ratio >= floor))
    cpu = _cpu_ratio(ours, result.summary)
    most = load.cpu_ceilings.get(result.server)
    if cpu is not None and most is not None:
        text = (
            f"{load.title}: {_times(cpu)} the CPU of {result.server},"
            f" wanted at most {most:g}x"
        )
        wishes.append((text, cpu <= most))
    return wishes


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}x"


def _figure(value: float) -> str:
    """Three digits that matter, and no more."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
