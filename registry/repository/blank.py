"""Blank sessions: uploads that were begun and have received nothing.

Beginning an upload changes nothing on disk, so it costs no sync. Who began a session
has its name and its start in the signed Location, and until the first byte comes that
is all there is to it. Here the blank ones are remembered; one that a restart, or a
bound, made us forget is good again when its client shows that Location.

A session that ended is not to come back by an old Location. So a start is believed only
if it lies before all that is remembered here: ``horizon``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import attrs

from registry.core.digest import CANONICAL
from registry.core.name import RepositoryName

MOST = 10_000
"""Blank sessions that are remembered; the oldest make room."""


@attrs.frozen
class Blank:
    """A session without bytes, begun at ``started``, in seconds of the epoch.

    Its content will be hashed with ``algorithm`` too.
    """

    started: int
    algorithm: str = CANONICAL


class BlankSessions:
    """The blank sessions of all repositories; ``now`` is in seconds of the epoch."""

    def __init__(self, *, now: Callable[[], float], most: int = MOST) -> None:
        self._known: OrderedDict[tuple[str, str], Blank] = OrderedDict()
        self._most = most
        self._now = now
        self.horizon = int(now())

    def begin(self, name: RepositoryName, session: str, algorithm: str) -> Blank:
        """A new one."""
        blank = Blank(int(self._now()), algorithm)
        self._known[name.text, session] = blank
        if len(self._known) > self._most:
            _, oldest = self._known.popitem(last=False)
            self.horizon = max(self.horizon, oldest.started)
        return blank

    def find(
        self, name: RepositoryName, session: str, *, told: int | None = None
    ) -> Blank | None:
        """The session, if it is blank.

        ``told`` is the start that the client proves. It is for a session that nothing
        is on disk of.
        """
        known = self._known.get((name.text, session))
        if known is None and told is not None and told <= self.horizon:
            known = self._known[name.text, session] = Blank(told)
        return known

    def end(self, name: RepositoryName, session: str) -> None:
        """The session is blank no longer: it has bytes, is a blob, or was given up."""
        self._known.pop((name.text, session), None)

    def of(self, name: RepositoryName) -> list[str]:
        """The blank sessions of a repository."""
        return [session for holder, session in self._known if holder == name.text]

    def holders(self) -> list[RepositoryName]:
        """The repositories that have any."""
        texts = dict.fromkeys(holder for holder, _ in self._known)
        return [RepositoryName(text) for text in texts]

    def forget(self, name: RepositoryName) -> None:
        """``name`` was removed, with its uploads."""
        for session in self.of(name):
            self.end(name, session)
