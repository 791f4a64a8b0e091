"""A histogram as plain numbers, cheap to add to and rendered only when asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


class Histogram:
    """How many values were at most each of ``bounds``, which are in ascending order."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum: float = 0

    def observe(self, value: float) -> None:
        """Count ``value``."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def rendered(self) -> tuple[list[tuple[str, float]], float]:
        """Cumulative counts by upper bound, and the sum, as Prometheus has them."""
        counts = accumulate(list(self._counts))
        names = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        return list(zip(names, counts, strict=True)), self._sum
