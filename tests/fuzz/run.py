"""Fuzzes the targets, guided by coverage: ``python tests/fuzz/run.py``.

    --seconds N     for all targets together (default: 60)
    --only NAME     this target; may be given again
    --corpus DIR    where inputs that reached something new are kept between runs

Each target runs in a process of its own. The exit status is 1 if something was found;
the bytes are printed in the form that ``test_found.py`` takes.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

HEAVY = ("api", "channel", "requests", "config", "environment", "manifest")
"""Targets that get four times as long as the others."""

INPUT = 2048
"""Bytes of the longest input."""

ONE_INPUT = 120
"""Seconds after which one input is said to hang."""


@attrs.frozen
class Found:
    """What came of one target. ``data`` is the input that broke it, if one did."""

    name: str
    runs: int
    coverage: int
    data: bytes | None
    said: str


def fuzz(name: str, seconds: float, corpus: Path) -> Found:
    """Fuzz one target for so long."""
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            [
                sys.executable,
                __file__,
                "--inside",
                name,
                "--",
                str(corpus / name),
                f"-max_total_time={max(1, round(seconds))}",
                f"-max_len={INPUT}",
                f"-timeout={ONE_INPUT}",
                f"-artifact_prefix={place}/",
                "-print_final_stats=1",
                "-rss_limit_mb=1024",
            ],
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        said = (done.stdout + done.stderr).decode(errors="replace")
        artifacts = sorted(Path(place).iterdir())
        data = artifacts[0].read_bytes() if artifacts else None
    if done.returncode and data is None:
        raise RuntimeError(f"{name} did not run:\n{said[-4000:]}")
    runs = _number(r"executed_units: (\d+)", said)
    return Found(name, runs, _number(r"cov: (\d+)", said), data, said)


def fuzz_all(
    names: list[str], seconds: float, corpus: Path, *, at_once: int = 2
) -> list[Found]:
    """Fuzz the targets within about so many seconds."""
    weights = {name: 4 if name in HEAVY else 1 for name in names}
    each = seconds * at_once / sum(weights.values())
    with ThreadPoolExecutor(at_once) as pool:
        heavy_first = sorted(names, key=lambda name: -weights[name])
        return list(
            pool.map(lambda one: fuzz(one, each * weights[one], corpus), heavy_first)
        )


def _number(pattern: str, said: str) -> int:
    found = re.findall(pattern, said)
    return int(found[-1]) if found else 0


def _inside(name: str, arguments: list[str]) -> None:
    """Be the process that fuzzes one target; never returns."""
    import atheris  # noqa: PLC0415 - only where code is to be instrumented

    with atheris.instrument_imports(include=["registry"]):
        from targets import together  # noqa: PLC0415

    target = together(name.split("+"))
    corpus = Path(arguments[0])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup([name, *arguments], target.holds)
    atheris.Fuzz()


def main() -> int:
    """Fuzz, and print what was done and found."""
    if sys.argv[1:2] == ["--inside"]:
        _inside(sys.argv[2], sys.argv[4:])
    from targets import TARGETS  # noqa: PLC0415 - not before it is instrumented

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", action="append", choices=TARGETS)
    parser.add_argument("--corpus", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        corpus = asked.corpus or Path(place)
        results = fuzz_all(asked.only or list(TARGETS), asked.seconds, corpus)
    for found in results:
        print(f"{found.name:12} {found.runs:9} runs, {found.coverage} places reached")
        if found.data is not None:
            print(f"FOUND: {found.name} {found.data!r}\n{found.said[-3000:]}")
    return int(any(found.data is not None for found in results))


if __name__ == "__main__":
    sys.exit(main())
