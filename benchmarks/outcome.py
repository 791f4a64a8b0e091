"""What a loading client saw of one run."""

from __future__ import annotations

from collections.abc import Sequence

import attrs


@attrs.frozen(kw_only=True)
class Outcome:
    """Requests or blobs, bytes of bodies, wall-clock seconds."""

    count: int
    size: int
    seconds: float
    p99: float | None = None
    """Seconds that the slowest hundredth took longer than."""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of all values do not exceed.

    Of fewer than a hundred values the 99th percentile is the greatest.
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
