"""How far a look at a store has come, in numbers that anybody may read."""

from __future__ import annotations

from typing import Literal

import attrs

Counted = Literal["links", "manifests", "tags", "uploads"]


@attrs.define
class Progress:
    """Counts what was looked at."""

    contents: int = 0
    bytes: int = 0
    shards: int = 0
    """Parts of the contents that are done, of ``all_shards`` alike."""

    all_shards: int = 0
    repositories: int = 0
    manifests: int = 0
    links: int = 0
    tags: int = 0
    uploads: int = 0
    damage: int = 0
    unreadable: int = 0
    notes: int = 0
    unheld: int = 0
    """Contents that no repository holds."""

    def count(self, kind: Counted, number: int) -> None:
        """So many more of what is in a repository were looked at."""
        setattr(self, kind, getattr(self, kind) + number)

    @property
    def part(self) -> float:
        """How much of the contents was read, from 0 to 1."""
        return self.shards / self.all_shards if self.all_shards else 0.0
