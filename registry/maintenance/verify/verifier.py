"""A look at a whole store: contents, then everything that leads to them.

Only reads, so it may run beside a server that writes; see ``examination.py`` for what
is in motion meanwhile. Memory: nine bytes for each content, the names in one directory,
and what was found.

Read next: ``contents.py``, ``repository.py``, ``repairs.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.interfaces import IReactorTime

from registry.core.rules import ReferenceRules
from registry.maintenance.verify.beside import unknown
from registry.maintenance.verify.contents import ContentsCheck
from registry.maintenance.verify.crew import Crew
from registry.maintenance.verify.examination import Examination
from registry.maintenance.verify.finding import Finding, unreadable
from registry.maintenance.verify.known import KnownContents
from registry.maintenance.verify.manifests import ManifestCheck
from registry.maintenance.verify.progress import Progress
from registry.maintenance.verify.repository import RepositoryCheck
from registry.maintenance.verify.tags import TagCheck
from registry.maintenance.walk import repositories
from registry.storage.driver import Driver, StorageFailure
from registry.storage.layout import BLOBS, REPOSITORIES, ROOT
from registry.storage.survey import Survey, children_or_none
from registry.storage.workers import Workers


class Verifier:
    """Looks at everything once. ``at_once`` is how much it looks at together.

    ``before`` is the moment before which a temporary file is nobody's, in seconds of
    the epoch. Where ``is_shared``, somebody else may write; ``is_served`` tells whether
    somebody does.
    """

    def __init__(
        self,
        *,
        driver: Driver,
        survey: Survey,
        workers: Workers,
        clock: IReactorTime,
        rules: ReferenceRules,
        tell: Callable[[Finding], None],
        at_once: int,
        before: float,
        is_shared: bool,
        is_served: Callable[[], Awaitable[bool]],
    ) -> None:
        self.progress = Progress()
        self._survey = survey
        self._workers = workers
        self._known = KnownContents()
        self._crew = Crew(size=at_once)
        self._examination = Examination(
            tell=tell,
            progress=self.progress,
            clock=clock,
            is_shared=is_shared,
            is_served=is_served,
        )
        self._contents = ContentsCheck(
            driver=driver,
            survey=survey,
            workers=workers,
            crew=self._crew,
            examination=self._examination,
            known=self._known,
            progress=self.progress,
            before=before,
        )
        self._repository = RepositoryCheck(
            survey=survey,
            workers=workers,
            crew=self._crew,
            examination=self._examination,
            known=self._known,
            manifest=ManifestCheck(survey=survey, rules=rules, known=self._known),
            tag=TagCheck(survey=survey, before=before),
            progress=self.progress,
            before=before,
        )

    async def run(self) -> None:
        """Look at all contents, and then at all repositories."""
        await self._beside()
        await self._contents.run()
        await self._examination.settle()
        names = repositories(
            self._survey, self._workers, failed=self._failed, strange=self._strange
        )
        async for name in names:
            await self._repository.run(name)
        await self._crew.finish()
        await self._examination.settle()
        self.progress.unheld = self._known.unheld

    async def left(self) -> int:
        """How much of the damage is still there, after repairs."""
        return await self._examination.left()

    async def _beside(self) -> None:
        """What is beside contents and repositories, and should not be."""
        try:
            found = await self._workers.run(children_or_none, self._survey, ROOT)
        except StorageFailure as failure:
            self._failed(ROOT, failure)
            return
        for seen in found:
            path = f"{ROOT}/{seen.name}"
            if path not in (BLOBS, REPOSITORIES) or seen.kind != "directory":
                self._strange(path, "it is no part of a store")

    def _failed(self, path: str, failure: StorageFailure) -> None:
        self._examination.told(unreadable(path, str(failure)))

    def _strange(self, path: str, why: str) -> None:
        self._examination.told(unknown(path, why))
