"""Blank sessions: uploads that were begun and have received nothing.

Beginning an upload changes nothing on disk, so it costs no sync. Who began a session
has all about it in the signed Location, and until the first byte comes that is all
there is to it. Here the blank ones are remembered; one that a restart, or a bound, made
us forget is good again when its client shows that Location.

A session that ended is not to come back by an old Location. So one of this run is
believed only if it may have been forgotten; one of an earlier run, unless it ended in
this one. What ended before a restart can come back once: as an empty session, which
harms nobody and lets a client finish whose last answer was lost.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

import attrs

from registry.core.digest import CANONICAL
from registry.core.name import RepositoryName

MOST = 50_000
"""Blank sessions that are remembered; the oldest make room. Some 20 MB."""

OVER = 10_000
"""Sessions of earlier runs, and those that had bytes, that are known to be over."""

Key = tuple[str, str]
"""Repository and session."""


@attrs.frozen
class Blank:
    """A session without bytes, begun at ``started``, in seconds of the epoch.

    Its content will be hashed with ``algorithm`` too. ``run`` is the run of the
    registry that began it.
    """

    started: int
    algorithm: str = CANONICAL
    run: str = ""


class BlankSessions:
    """The blank sessions of all repositories.

    ``now`` is in seconds of the epoch; ``run`` is a name that no other run has.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float],
        run: str,
        most: int = MOST,
        over: int = OVER,
    ) -> None:
        self.now = now
        self._run = run
        self._most = most
        self._known: OrderedDict[Key, Blank] = OrderedDict()
        self._held_by: dict[str, set[str]] = {}
        self._most_over = over
        self._over: OrderedDict[Key, None] = OrderedDict()
        self._forgotten = -math.inf
        """When the last one began that had to make room."""

    def __len__(self) -> int:
        return len(self._known)

    def begin(self, name: RepositoryName, session: str, algorithm: str) -> Blank:
        """A new one."""
        blank = Blank(int(self.now()), algorithm, self._run)
        self.adopt(name, session, blank)
        return blank

    def adopt(self, name: RepositoryName, session: str, blank: Blank) -> None:
        """Remember one that is believed."""
        self._known[name.text, session] = blank
        self._held_by.setdefault(name.text, set()).add(session)
        if len(self._known) > self._most:
            oldest, forgotten = next(iter(self._known.items()))
            self._drop(oldest)
            if forgotten.run == self._run:
                self._forgotten = max(self._forgotten, forgotten.started)

    def find(
        self, name: RepositoryName, session: str, *, told: Blank | None = None
    ) -> Blank | None:
        """The session, if it is blank.

        ``told`` is what its client proves. It is for a session of which nothing is on
        disk.
        """
        known = self._known.get((name.text, session))
        if known is None and told is not None and self._believes(name, session, told):
            return told
        return known

    def end(self, name: RepositoryName, session: str) -> None:
        """The session is blank no longer: it has bytes, is a blob, or was given up."""
        key = (name.text, session)
        blank = self._drop(key)
        if blank is None or blank.run != self._run:
            self._over[key] = None
            if len(self._over) > self._most_over:
                self._over.popitem(last=False)

    def of(self, name: RepositoryName) -> list[str]:
        """The blank sessions of a repository."""
        return list(self._held_by.get(name.text, ()))

    def holders(self) -> list[RepositoryName]:
        """The repositories that have any."""
        return [RepositoryName(text) for text in self._held_by]

    def forget(self, name: RepositoryName) -> None:
        """``name`` was removed, with its uploads."""
        for session in self.of(name):
            self.end(name, session)

    def _believes(self, name: RepositoryName, session: str, told: Blank) -> bool:
        if (name.text, session) in self._over:
            return False
        return told.run != self._run or told.started <= self._forgotten

    def _drop(self, key: Key) -> Blank | None:
        blank = self._known.pop(key, None)
        if blank is not None:
            name, session = key
            those = self._held_by[name]
            those.discard(session)
            if not those:
                del self._held_by[name]
        return blank
