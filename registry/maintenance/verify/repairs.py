"""Repairs: the safe ones of what was found, each told.

Safe means: nothing is deleted but leftovers, nothing is written but what is certain.
Each repair looks again before it does anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import attrs

from registry.maintenance.verify.finding import (
    ORDER,
    DropUpload,
    Finding,
    MendEntry,
    MendLayer,
    MendRevision,
    MendTag,
    Repair,
    SetAside,
    Sweep,
)
from registry.repository.mending import Outcome
from registry.repository.registry import Registry
from registry.storage.driver import Discard, Driver


class Result(Enum):
    """What came of a repair."""

    MENDED = "mended"
    SET_ASIDE = "set aside; push it again, or restore it from a backup"
    REMOVED = "removed"
    NEEDLESS = "nothing to do any more"
    BEYOND = "left as it is: nothing says for certain what belongs there; push it again"


@attrs.frozen(kw_only=True)
class Repairs:
    """Carries out repairs on a store that nobody else writes."""

    driver: Driver
    registry: Registry

    async def make(self, repair: Repair) -> Result:
        """Make one repair. Raises StorageFailure."""
        mending = self.registry.mending
        match repair:
            case SetAside(stored=stored):
                found = "registry verify"
                if await self.registry.contents.is_true(stored, found=found):
                    return Result.NEEDLESS
                return Result.SET_ASIDE
            case MendLayer(name=name, digest=digest):
                return _RESULTS[await mending.layer(name, digest)]
            case MendRevision(name=name, digest=digest):
                return _RESULTS[await mending.revision(name, digest)]
            case MendEntry(name=name, tag=tag, digest=digest):
                return _RESULTS[await mending.entry(name, tag, digest)]
            case MendTag(name=name, tag=tag):
                return _RESULTS[await mending.tag(name, tag)]
            case DropUpload(name=name, session=session):
                await self.registry.unfinished.drop_half_made(name, session)
            case Sweep(path=path):
                await self.driver.apply([Discard(path)])
        return Result.REMOVED


def in_order(findings: Iterable[Finding]) -> list[tuple[Finding, Repair]]:
    """Those that can be repaired, and how, what others rely on first."""
    repairs = [(one, one.repair) for one in findings if one.repair is not None]
    return sorted(repairs, key=lambda pair: ORDER.index(type(pair[1])))


_RESULTS = {
    Outcome.SOUND: Result.NEEDLESS,
    Outcome.MENDED: Result.MENDED,
    Outcome.BEYOND: Result.BEYOND,
}
