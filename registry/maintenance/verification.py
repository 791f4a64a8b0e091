"""Verification: what is served is read through, so that damage is found and set aside.

What is due is noted when it is asked for (``repository/verified.py``). A look at what
pushes have replaced is part of it. Ended half-way, nothing is lost but the list of what
is due, which fills again as content is asked for.
"""

from __future__ import annotations

from twisted.logger import Logger

from registry.repository.contents import Contents
from registry.repository.verified import Verified
from registry.storage.driver import Pace, StorageFailure

INTERVAL = 60.0
"""Seconds between two looks at what is due."""


class Verification:
    """Reads through what is due, at ``pace``.

    Without ``verified``, only what pushes have replaced.
    """

    def __init__(
        self, *, contents: Contents, verified: Verified | None, pace: Pace
    ) -> None:
        self._contents = contents
        self._verified = verified
        self._pace = pace
        self._log = Logger()

    async def run(self) -> None:
        """Look at all that is due now. Raises StorageFailure."""
        await self._contents.judge_replaced(self._pace)
        if self._verified is not None:
            await self._read(self._verified)

    async def _read(self, verified: Verified) -> None:
        read = damaged = 0
        while (stored := verified.next_due()) is not None:
            try:
                is_true = await self._contents.is_true(
                    stored, found="verification of what is served", pace=self._pace
                )
            except StorageFailure as failure:
                self._log.error(
                    "{digest} could not be verified: {failure}",
                    digest=str(stored),
                    failure=str(failure),
                )
                continue
            read += 1
            damaged += not is_true
        if read:
            self._log.debug(
                "verification: {read} contents read through, {damaged} missing or"
                " damaged",
                read=read,
                damaged=damaged,
            )
