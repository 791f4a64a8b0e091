"""``registry verify``, put together: a look at a store without serving it.

Read next: ``maintenance/verify/verifier.py``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import attrs
from twisted.internet.interfaces import IReactorTime

from registry.config.schema import Configuration
from registry.maintenance.verify.finding import Finding
from registry.maintenance.verify.progress import Progress
from registry.maintenance.verify.repairs import Repairs, in_order
from registry.maintenance.verify.verifier import Verifier
from registry.repository.registry import build_registry
from registry.service.rules import reference_rules
from registry.storage.disk import Disk
from registry.storage.driver import Driver, StorageFailure
from registry.storage.filesystem import FilesystemDriver
from registry.storage.guard import RootGuard
from registry.storage.lock import HeldRoot, RootHeld, hold_root
from registry.storage.mark import is_store, may_be_served
from registry.storage.survey import Survey
from registry.storage.workers import WorkerPool, Workers

__all__ = ["CannotVerify", "Finding", "Progress", "StoreVerification"]

PATIENCE = 3600.0
"""Seconds after which a temporary file is a leftover, when somebody may write."""


class CannotVerify(Exception):
    """There is nothing to look at, or it must not be touched; says what to do."""


class Told(Protocol):
    """Who is told what is found and done."""

    def found(self, finding: Finding) -> None:
        """Something was found."""

    def repaired(self, finding: Finding, result: str) -> None:
        """Something was done about a finding, or would be."""


@attrs.frozen(kw_only=True)
class StoreVerification:
    """A look at the store of ``config``, with repairs if asked for.

    With ``is_dry`` repairs are only told. ``clock`` tells the time of day.
    """

    config: Configuration
    workers: Workers
    clock: IReactorTime
    told: Told
    at_once: int
    repairs: bool
    is_dry: bool
    _found: list[Finding] = attrs.field(factory=list, init=False)

    async def run(self, watch: Callable[[Progress], None]) -> bool:
        """Look, and repair; whether the store is sound now.

        ``watch`` is given what tells how far it has come. Raises CannotVerify, also
        where something could not be read and nothing else is wrong.
        """
        root = self._root()
        held = self._held(root) if self.repairs and not self.is_dry else None
        try:
            return await self._run(root, held, watch)
        finally:
            if held is not None:
                held.close()

    async def _run(
        self, root: str, held: HeldRoot | None, watch: Callable[[Progress], None]
    ) -> bool:
        disk = Disk()
        guard = None if held is None else RootGuard(disk=disk, held=held)
        driver = FilesystemDriver(
            disk=disk, workers=self.workers, root=root, guard=guard
        )
        survey = Survey(disk=disk, root=root)
        verifier = self._verifier(driver, survey, root, is_shared=held is None)
        watch(verifier.progress)
        try:
            await verifier.run()
            unmended = verifier.progress.damage
            if self._found:
                unmended = await self._repair(driver, verifier)
        finally:
            await driver.close()
        if verifier.progress.unreadable and not unmended:
            raise CannotVerify(
                "not everything could be read; see what was found, and look again as"
                " the registry's user or as root"
            )
        return not unmended

    def _verifier(
        self, driver: Driver, survey: Survey, root: str, *, is_shared: bool
    ) -> Verifier:
        return Verifier(
            driver=driver,
            survey=survey,
            workers=self.workers,
            clock=self.clock,
            rules=reference_rules(self.config.validation),
            tell=self._tell,
            at_once=self.at_once,
            before=self.clock.seconds() - (PATIENCE if is_shared else 0.0),
            is_shared=is_shared,
            is_served=partial(self._is_served, root),
        )

    async def _is_served(self, root: str) -> bool:
        """Whether somebody may be writing now."""
        return await self.workers.run(may_be_served, root)

    def _root(self) -> str:
        filesystem = self.config.storage.filesystem
        if filesystem is None:
            raise CannotVerify("storage.filesystem is not used: there are no files")
        root = filesystem.rootdirectory
        try:
            is_there = is_store(root)
        except StorageFailure as failure:
            raise CannotVerify(str(failure)) from None
        if not is_there:
            raise CannotVerify(f"{root} holds no store; mount it, or name another")
        return root

    def _held(self, root: str) -> HeldRoot:
        try:
            return hold_root(root)
        except RootHeld as error:
            raise CannotVerify(
                f"{error}; a running registry mends by itself what it meets, and"
                " without --repair this looks beside it"
            ) from None
        except StorageFailure as failure:
            raise CannotVerify(str(failure)) from None

    def _tell(self, finding: Finding) -> None:
        self.told.found(finding)
        if self.repairs and finding.repair is not None:
            self._found.append(finding)

    # Repairs.

    async def _repair(self, driver: FilesystemDriver, verifier: Verifier) -> int:
        """Make repairs, or tell them; how much damage is left."""
        if self.is_dry:
            for finding, repair in in_order(self._found):
                self.told.repaired(finding, f"would {repair.told}")
            return verifier.progress.damage
        await self._make(driver)
        return await verifier.left()

    async def _make(self, driver: FilesystemDriver) -> None:
        registry = build_registry(
            driver=driver,
            workers=self.workers,
            rules=reference_rules(self.config.validation),
            clock=self.clock,
            new_id=lambda: str(uuid.uuid4()),
            cache_bytes=0,
        )
        repairs = Repairs(driver=driver, registry=registry)
        for finding, repair in in_order(self._found):
            try:
                result = (await repairs.make(repair)).value
            except StorageFailure as failure:
                result = f"failed: {failure}"
            self.told.repaired(finding, result)


def command_workers(reactor: Any, threads: int) -> WorkerPool:  # noqa: ANN401 - a module
    """A pool that lives as long as ``reactor`` runs."""
    pool = WorkerPool(reactor=reactor, threads=threads)
    pool.start()
    reactor.addSystemEventTrigger("during", "shutdown", pool.stop)
    return pool
