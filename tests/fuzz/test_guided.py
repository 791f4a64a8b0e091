"""A short run of the fuzzing that coverage guides; ``make fuzz`` is the long one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run import fuzz_all
from targets import TARGETS

SECONDS = 10.0
WIRE = ["api", "channel", "requests"]
HALVES = [WIRE, [name for name in TARGETS if name not in WIRE]]
"""Two processes, since each takes a while to begin."""


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_hold(name: str) -> None:
    for seed in TARGETS[name].seeds:
        TARGETS[name].holds(seed)


def test_nothing_is_found_in_a_moment(tmp_path: Path) -> None:
    """Where atheris does not run, the bytes are random and nothing guides them."""
    if importlib.util.find_spec("atheris") is None:
        for name in TARGETS:
            unguided(name)
        return
    halves = ["+".join(names) for names in HALVES]
    for found in fuzz_all(halves, SECONDS, tmp_path):
        assert found.runs > 0
        assert found.data is None, f"{found.name} {found.data!r}\n{found.said[-3000:]}"


def unguided(name: str) -> None:
    """Random bytes for one target."""

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=300))
    def try_it(data: bytes) -> None:
        TARGETS[name].holds(data)

    try_it()
