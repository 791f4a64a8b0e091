"""How long and how much: the whole benchmark, or its short form."""

from __future__ import annotations

import attrs

from benchmarks.content import KIB, MIB


@attrs.frozen(kw_only=True)
class Scale:
    """Bounds of every load. Sizes are bytes, times seconds."""

    rounds: int
    warms_up: bool = True
    seconds: float
    small_blob: int = KIB
    middle_blob: int = MIB
    large_blob: int = 64 * MIB
    big_push: int
    middle_pushes: int
    small_pushes: int
    small_push: int = 4 * KIB
    crowd_pulls: int
    crowd_pushes: int
    crowd_blob: int = 16 * MIB
    repositories: int
    tags_per_repository: int = 5
    listed: int

    def warm_up(self) -> Scale:
        """Just enough to touch every page and path once."""
        return attrs.evolve(
            self,
            seconds=1,
            big_push=min(self.big_push, 64 * MIB),
            middle_pushes=min(self.middle_pushes, 40),
            small_pushes=min(self.small_pushes, 100),
        )


FULL = Scale(
    rounds=3,
    seconds=3,
    big_push=256 * MIB,
    middle_pushes=200,
    small_pushes=800,
    crowd_pulls=200,
    crowd_pushes=20,
    repositories=2000,
    listed=10_000,
)
"""The 4 KiB pushes are four times 200, to be long enough for the CPU clock."""

QUICK = Scale(
    rounds=1,
    warms_up=False,
    seconds=1,
    large_blob=16 * MIB,
    big_push=32 * MIB,
    middle_pushes=24,
    small_pushes=100,
    crowd_pulls=40,
    crowd_pushes=4,
    crowd_blob=4 * MIB,
    repositories=100,
    listed=500,
)
"""A smoke test: everything runs once, no figure means much."""
