"""A load: what is asked of every server in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

import attrs

from benchmarks.measure import Reading, Unit
from benchmarks.scale import Scale
from benchmarks.servers import Server


class Ground(Enum):
    """The tree that a load finds."""

    EMPTY = "empty"
    IMAGES = "images"
    FULL = "full"
    LISTED = "listed"

    @property
    def is_only_read(self) -> bool:
        """Whether no load writes to it, so that both registries can share one."""
        return self in (Ground.FULL, Ground.LISTED)


@attrs.frozen(kw_only=True)
class Load:
    """One line of questions, and what we want the answer to be.

    ``floors`` are ratios of ours to the named server that we do not want to fall
    below; ``ceiling`` is a most in the load's own unit; ``cpu_ceilings`` are ratios
    of CPU.
    """

    name: str
    title: str
    unit: Unit
    run: Callable[[Server, Scale], Reading]
    ground: Ground = Ground.IMAGES
    tls: bool = False
    registries_only: bool = False
    warm: bool = True
    floors: Mapping[str, float] = attrs.field(factory=dict)
    cpu_ceilings: Mapping[str, float] = attrs.field(factory=dict)
    ceiling: float | None = None

    def suits(self, server: Server) -> bool:
        """Whether the server can do what is asked."""
        return server.program.is_registry or not self.registries_only
