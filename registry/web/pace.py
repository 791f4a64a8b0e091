"""A pace: whether bytes keep coming, and fast enough.

Asked about once a second. A window begins with the first question and ends after
``timeout`` seconds, in which ``rate`` bytes per second have to have come on average. So
a stall is noticed after ``timeout`` seconds, a dribble after at most twice as many.
"""

from __future__ import annotations


class Pace:
    """The pace of one stream, whose bytes somebody else counts."""

    __slots__ = ("_count", "_moved", "_since", "_start")

    def __init__(self, now: float, count: int) -> None:
        self.restart(now, count)

    def restart(self, now: float, count: int) -> None:
        """Begin again at ``now``, with ``count`` bytes so far: it is not late."""
        self._since = self._moved = now
        self._start = self._count = count

    def is_late(self, now: float, count: int, *, timeout: float, rate: float) -> bool:
        """Whether the stream, of which ``count`` bytes have come, has stopped or drips.

        To be asked again and again, while something is due.
        """
        if count != self._count:
            self._count, self._moved = count, now
        elif now - self._moved > timeout:
            return True
        if now - self._since <= timeout:
            return False
        if count - self._start < rate * timeout:
            return True
        self._since, self._start = now, count
        return False
