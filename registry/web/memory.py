"""Memory: what the bodies of all requests together hold, and how much one may.

A body may hold a part of what is still free, so many of them share what there is, and
one alone on a slow disk has plenty. Under any crowd each may hold ``LEAST``, which is
what its connection costs anyway. A body that has its part is not read from its client
until some of it is taken.

A body that has to be whole in memory is a manifest or a form. Beyond ``LEAST`` such
bodies may hold a quarter of all together: whoever sends large ones slowly keeps only
other large ones waiting.
"""

from __future__ import annotations

from registry.core.errors import Busy

LEAST = 64 * 1024
"""Bytes that any body may hold."""

PART = 4
"""A body may hold one in so many of the bytes that are free."""


class Memory:
    """The bytes of bodies that one site holds, bounded by ``limit``.

    ``held`` are those that wait to be taken, or have been taken and are not stored yet;
    ``whole`` what bodies that are kept whole have beyond ``LEAST``. Each body counts
    its own, and gives back what it counted.
    """

    __slots__ = ("held", "limit", "whole")

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self.whole = 0

    @property
    def part(self) -> int:
        """Bytes that one body may hold now."""
        return max(LEAST, (self.limit - self.held) // PART)

    def keep(self, size: int, more: int) -> int:
        """Let a whole body of ``size`` bytes have ``more``; what it has counted.

        Raises Busy when there are too many large ones.
        """
        beyond = size + more - max(size, LEAST)
        if beyond <= 0:
            return 0
        if self.whole + beyond > self.limit // PART:
            raise Busy("too many large requests at once; try again")
        self.whole += beyond
        return beyond
