"""What a configuration has the registry do now and then."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.internet.interfaces import IReactorTime

from registry.config.schema import Configuration
from registry.maintenance.purging import UploadPurger
from registry.maintenance.schedule import Job
from registry.repository.registry import Registry


def jobs(
    config: Configuration, *, registry: Registry, clock: IReactorTime
) -> Iterator[Job]:
    """The jobs of ``storage.maintenance``."""
    purging = config.storage.maintenance.uploadpurging
    if purging.enabled:
        purger = UploadPurger(
            catalog=registry.catalog,
            unfinished=registry.unfinished,
            clock=clock,
            age=purging.age,
            is_dry=purging.dryrun,
        )
        yield Job(name="upload purging", interval=purging.interval, run=purger.run)
