"""Open sessions: how many uploads were begun and are not finished, within bounds.

A blank one takes some memory. Any other is a directory with two files for as long as
nobody ends it, so whoever begins one after the other fills a disk with nothing.
They are counted; files are the truth here too: those of a repository are listed when
some of it stay open, whenever they are purged, and again before one more is refused.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable

from registry.core.errors import TooManyRequests
from registry.core.name import RepositoryName

SOME = 50
"""Sessions of a repository that are open before the others there are looked for."""

REMEMBERED = 10_000
"""Repositories whose sessions are known; above it, those without any are forgotten."""


class OpenSessions:
    """The sessions of all repositories, at most ``limit``, of one ``share``.

    ``listed`` gives the sessions of a repository: those on disk, and the blank ones.
    """

    def __init__(
        self,
        *,
        listed: Callable[[RepositoryName], Awaitable[list[str]]],
        limit: float = math.inf,
        share: float = math.inf,
    ) -> None:
        self._listed = listed
        self._limit = limit
        self._share = share
        self._known: dict[str, set[str]] = {}
        self._seen: set[str] = set()
        self._most = REMEMBERED
        self.total = 0

    def bound(self, limit: float, share: float) -> None:
        """Have these bounds from now on; what is open already stays."""
        self._limit = limit
        self._share = share

    async def begin(self, name: RepositoryName, session: str) -> None:
        """Count a session that will be made, once. Raises TooManyRequests."""
        known = self._known.setdefault(name.text, set())
        if session in known:
            return
        is_new = len(known) >= SOME and name.text not in self._seen
        if is_new or self._is_full(known):
            known = await self._look(name)
            if self._is_full(known):
                raise self._refusal(known)
        known.add(session)
        self.total += 1
        if len(self._known) > self._most:
            self._tidy()

    def ended(self, name: RepositoryName, session: str) -> None:
        """A session is finished, or was not made after all."""
        known = self._known.get(name.text, set())
        if session in known:
            known.remove(session)
            self.total -= 1

    def found(self, name: RepositoryName, sessions: Iterable[str]) -> None:
        """These are all sessions of ``name``."""
        before = self._known.get(name.text, set())
        now = self._known[name.text] = set(sessions)
        self.total += len(now) - len(before)
        self._seen.add(name.text)

    def forget(self, name: RepositoryName) -> None:
        """``name`` is gone, or is said to be."""
        self.total -= len(self._known.pop(name.text, ()))
        self._seen.discard(name.text)

    def _tidy(self) -> None:
        """Forget repositories without sessions."""
        self._known = {name: known for name, known in self._known.items() if known}
        self._seen &= self._known.keys()
        self._most = max(REMEMBERED, 2 * len(self._known))

    async def _look(self, name: RepositoryName) -> set[str]:
        """Count what is there. What changed while it was listed counts as well."""
        before = set(self._known.get(name.text, ()))
        listed = set(await self._listed(name))
        now = self._known.get(name.text, set())
        self.found(name, (listed - (before - now)) | (now - before))
        return self._known[name.text]

    def _is_full(self, known: set[str]) -> bool:
        return self.total >= self._limit or len(known) >= self._share

    def _refusal(self, known: set[str]) -> TooManyRequests:
        where = "in this repository" if len(known) >= self._share else "in all"
        return TooManyRequests(
            f"too many uploads were begun {where}; finish or delete some, or wait until"
            " old ones are purged"
        )
