"""Healing, put together: what is done about damage while the registry serves.

Read next: ``maintenance/recovery.py`` (after an unclean stop),
``maintenance/verification.py`` (all the time).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IReactorTime

from registry.config.schema import Configuration
from registry.maintenance.pace import Pace
from registry.maintenance.schedule import Job, Run, Schedule
from registry.maintenance.verification import INTERVAL, Verification
from registry.repository.registry import Registry
from registry.service.storage import OpenStorage
from registry.storage.mark import BEAT, Mark
from registry.storage.workers import Workers

if TYPE_CHECKING:
    from registry.maintenance.recovery import Recovery


def start_healing(
    config: Configuration,
    *,
    registry: Registry,
    storage: OpenStorage,
    workers: Workers,
    clock: IReactorTime,
    schedule: Schedule,
) -> None:
    """Have ``schedule`` do all that is done about damage; returns at once."""
    options = config.storage.maintenance.verification
    pace = Pace(clock=clock, rate=options.rate)
    schedule.begin("a look into the quarantine", registry.quarantine.look)
    verification = Verification(
        contents=registry.contents,
        verified=registry.verified if options.enabled else None,
        pace=pace,
    )
    schedule.add(Job(name="verification", interval=INTERVAL, run=verification.run))
    mark = storage.mark
    if mark is None:
        return
    schedule.add(Job(name="sign of life", interval=BEAT, run=_beat(mark, workers)))
    recovery = _recovery(registry, storage, workers, pace)
    if recovery is not None:
        schedule.begin("recovery", recovery.run)


def _beat(mark: Mark, workers: Workers) -> Run:
    async def beat() -> None:
        await workers.run(mark.beat)

    return beat


def _recovery(
    registry: Registry, storage: OpenStorage, workers: Workers, pace: Pace
) -> Recovery | None:
    """What is to be looked through, if anything is."""
    mark, survey = storage.mark, storage.survey
    if mark is None or survey is None or mark.unchecked is None:
        return None
    # imported here, so that after a clean stop the registry starts without
    from registry.maintenance.recovery import Recovery  # noqa: PLC0415

    async def checked() -> None:
        await workers.run(mark.checked)

    return Recovery(
        driver=storage.driver,
        registry=registry,
        survey=survey,
        workers=workers,
        pace=pace,
        since=mark.unchecked,
        before=mark.started,
        checked=checked,
    )
