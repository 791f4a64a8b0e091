"""Where and when the figures were taken."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class Machine:
    """Figures of different machines cannot be compared, only ratios can, a little."""

    cpu: str
    cores: int
    memory: int
    kernel: str
    python: str
    busy: float
    """Load average over a minute; the figures of a busy machine mean little."""

    taken: str

    @classmethod
    def this(cls) -> Machine:
        """Where we are, and the time now (UTC)."""
        return cls(
            cpu=_field("/proc/cpuinfo", "model name") or platform.machine(),
            cores=len(os.sched_getaffinity(0)),
            memory=int(_field("/proc/meminfo", "MemTotal").split()[0]) * 1024,
            kernel=platform.release(),
            python=platform.python_version(),
            busy=os.getloadavg()[0],
            taken=dt.datetime.now(dt.UTC).isoformat(timespec="minutes"),
        )


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        label, _, value = line.partition(":")
        if label.strip() == name:
            return value.strip()
    return ""
