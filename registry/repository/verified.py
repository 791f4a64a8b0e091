"""What content was lately found true, and what is to be looked at soon.

Large content leaves by ``sendfile``: no program of ours sees its bytes, so serving it
proves nothing. Instead, what is asked for and has not been read through lately is noted
here, at the cost of one look into a dictionary, and read through in the background
(``maintenance/verification.py``). What was pushed in this run was hashed on its way.

All of it is in memory: after a restart nothing counts as looked at.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from registry.core.digest import Digest
from registry.repository.cache import Cache

TIME_COST = 50
"""Bytes of memory that a remembered time takes."""

DUE_LIMIT = 10_000
"""How much content may wait to be looked at; more is noted when it is asked for again.
"""


class Verified:
    """When content was found true, and what is due.

    ``times`` remembers by sha256; what is older than ``age`` seconds is due again when
    it is asked for.
    """

    def __init__(
        self, *, times: Cache[str, float], seconds: Callable[[], float], age: float
    ) -> None:
        self._times = times
        self._seconds = seconds
        self.age = age
        self._due: OrderedDict[str, Digest] = OrderedDict()

    def found_true(self, stored: Digest) -> None:
        """All bytes of it were hashed just now."""
        self._times.put(stored.hex, self._seconds(), TIME_COST)
        self._due.pop(stored.hex, None)

    def forget(self, stored: Digest) -> None:
        """It is not known any longer whether it is true."""
        self._times.drop(stored.hex)

    def knows(self, stored: Digest) -> bool:
        """Whether it was found true lately."""
        found = self._times.get(stored.hex)
        return found is not None and self._seconds() - found < self.age

    def asked_for(self, stored: Digest) -> None:
        """It is about to be served: look at it some time soon, unless that was done."""
        if not self.knows(stored) and len(self._due) < DUE_LIMIT:
            self._due[stored.hex] = stored

    def next_due(self) -> Digest | None:
        """What has waited longest to be looked at; it waits no more."""
        return self._due.popitem(last=False)[1] if self._due else None

    @property
    def waiting(self) -> int:
        """How much is due."""
        return len(self._due)
