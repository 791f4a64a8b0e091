"""ab: HEADs, which wrk cannot send.

ab speaks HTTP/1.0 and asks for kept connections with ``Connection: Keep-Alive``.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.connection import Address
from benchmarks.content import Target
from benchmarks.failure import LoadFailed
from benchmarks.outcome import Outcome

MOST_PER_SECOND = 100_000
"""More than ab can do; it wants a number of requests beside a time."""


def run(
    address: Address,
    target: Target,
    *,
    headers: Sequence[tuple[str, str]],
    connections: int,
    seconds: float,
    directory: Path,
) -> Outcome:
    """HEAD one target. Raises LoadFailed on any error or on connections not kept."""
    percentiles = directory / "percentiles.csv"
    whole = max(1, round(seconds))
    command = ["ab", "-k", "-i", "-q", "-d", "-c", str(connections)]
    command += ["-t", str(whole), "-n", str(whole * MOST_PER_SECOND)]
    command += ["-e", str(percentiles)]
    for name, value in headers:
        command += ["-H", f"{name}: {value}"]
    command.append(address.url + target.path)
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60 + seconds
    )
    if done.returncode:
        raise LoadFailed(f"ab: {done.stderr.strip()[-200:]}")
    count = _checked(done.stdout)
    return Outcome(
        count=count,
        size=0,
        seconds=_number(done.stdout, "Time taken for tests"),
        p99=_p99(percentiles.read_text()),
    )


def _checked(output: str) -> int:
    """Requests that were answered well."""
    count = int(_number(output, "Complete requests"))
    for trouble in ["Failed requests", "Non-2xx responses"]:
        if _number(output, trouble):
            raise LoadFailed(f"ab: {trouble}: {_number(output, trouble):.0f}")
    kept = _number(output, "Keep-Alive requests")
    if not count or kept < 0.9 * count:
        raise LoadFailed(f"ab: {kept:.0f} of {count} requests on kept connections")
    return count


def _number(output: str, label: str) -> float:
    found = re.search(rf"^{re.escape(label)}:\s+([0-9.]+)", output, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _p99(table: str) -> float | None:
    for line in table.splitlines():
        share, _, milliseconds = line.partition(",")
        if share == "99":
            return float(milliseconds) / 1000
    return None
