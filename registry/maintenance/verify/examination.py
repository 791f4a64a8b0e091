"""An examination: every check goes through here, and what it finds is told.

A server may write at the same time. What is in motion looks like damage for a moment: a
link was seen and its content was just removed, a manifest came after the look at its
layers. So damage is only told when the same check finds the same again, ``PATIENCE``
seconds later. Up to ``TOGETHER`` doubtful checks wait together, which bounds both
memory and time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from registry.maintenance.verify.finding import Finding, Severity, unreadable
from registry.maintenance.verify.progress import Progress
from registry.storage.driver import Absent, StorageFailure

PATIENCE = 2.0
TOGETHER = 500

Check = Callable[[], Awaitable[Sequence[Finding]]]
"""Looks at one thing; may be called again."""


class Examination:
    """Carries out checks, and gives what they find to ``tell``.

    Where ``is_shared``, somebody else may write, and damage is looked at twice; with
    patience if ``is_served`` says that somebody does. Otherwise every finding counts.
    """

    def __init__(
        self,
        *,
        tell: Callable[[Finding], None],
        progress: Progress,
        clock: IReactorTime,
        is_shared: bool,
        is_served: Callable[[], Awaitable[bool]],
    ) -> None:
        self._tell = tell
        self._progress = progress
        self._clock = clock
        self._is_shared = is_shared
        self._is_served = is_served
        self._doubtful: list[tuple[str, Check, set[Finding]]] = []
        self._damaging: list[tuple[str, Check]] = []

    async def make(
        self, path: str, check: Check, found: Sequence[Finding] | None = None
    ) -> None:
        """Make a check of what is at ``path``; ``found`` is what it found just now."""
        if found is None:
            found = await self._made(path, check)
        doubtful = {one for one in found if one.severity is Severity.DAMAGE}
        if doubtful and not self._is_shared:
            self._damaging.append((path, check))
        for finding in found:
            if not self._is_shared or finding not in doubtful:
                self.told(finding)
        if self._is_shared and doubtful:
            self._doubtful.append((path, check, doubtful))
            if len(self._doubtful) >= TOGETHER:
                await self.settle()

    async def settle(self) -> None:
        """Look again at all that is in doubt."""
        doubtful, self._doubtful = self._doubtful, []
        if not doubtful:
            return
        if await self._is_served():
            await deferLater(self._clock, PATIENCE)
        for path, check, before in doubtful:
            for finding in await self._made(path, check):
                if finding in before or finding.severity is Severity.UNREADABLE:
                    self.told(finding)

    async def left(self) -> int:
        """How much of the damage is still there, after repairs."""
        damaging, self._damaging = self._damaging, []
        count = 0
        for path, check in damaging:
            found = await self._made(path, check)
            count += sum(one.severity is not Severity.NOTE for one in found)
        return count

    def told(self, finding: Finding) -> None:
        """Tell and count a finding."""
        match finding.severity:
            case Severity.DAMAGE:
                self._progress.damage += 1
            case Severity.UNREADABLE:
                self._progress.unreadable += 1
            case Severity.NOTE:
                self._progress.notes += 1
        self._tell(finding)

    async def _made(self, path: str, check: Check) -> Sequence[Finding]:
        try:
            return await check()
        except Absent:
            return []  # it has gone, so nothing can be wrong with it
        except StorageFailure as failure:
            return [unreadable(path, str(failure))]
