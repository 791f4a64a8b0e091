"""wrk: GETs over connections that are kept."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.connection import Address
from benchmarks.content import Target
from benchmarks.failure import LoadFailed
from benchmarks.outcome import Outcome

SCRIPT = Path(__file__).with_name("wrk.lua")
ERRORS = ["connect", "read", "write", "status", "timeout"]


def run(
    address: Address,
    targets: Sequence[Target],
    *,
    headers: Sequence[tuple[str, str]],
    connections: int,
    seconds: float,
    directory: Path,
) -> Outcome:
    """GET the targets in turn. Raises LoadFailed on any error or short body.

    One thread of wrk outruns every server here; over TLS it has a second one, for
    decrypting.
    """
    threads = 2 if address.certificate else 1
    command = ["wrk", "-t", str(threads), "-c", str(connections)]
    command += ["-d", str(max(1, round(seconds))), "-s", str(SCRIPT)]
    for name, value in headers:
        command += ["-H", f"{name}: {value}"]
    command.append(address.url + targets[0].path)
    if len(targets) > 1:
        listed = directory / "targets"
        listed.write_text("".join(f"{target.path}\n" for target in targets))
        command += ["--", str(listed)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60 + seconds
    )
    if done.returncode:
        raise LoadFailed(f"wrk: {(done.stderr or done.stdout).strip()[-200:]}")
    return _outcome(json.loads(done.stdout.splitlines()[-1]), targets)


def _outcome(said: dict[str, int], targets: Sequence[Target]) -> Outcome:
    errors = {name: said[name] for name in ERRORS if said[name]}
    if errors:
        raise LoadFailed(f"wrk counted errors: {errors} in {said['count']} requests")
    smallest = min(target.size for target in targets)
    if not said["count"] or said["size"] < said["count"] * smallest:
        raise LoadFailed(f"{said['count']} answers with {said['size']} bytes in all")
    return Outcome(
        count=said["count"],
        size=said["size"],
        seconds=said["microseconds"] / 1e6,
        p99=said["p99"] / 1e6,
    )
