"""Lists of changes on their way to a worker: those that wait go together.

One worker turn is under way at a time. What is asked for meanwhile waits for the next
one, which takes all of it; so the busier the disk, the more lists share a sync, and a
lone list waits for nobody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from registry.storage.driver import Change
from registry.storage.workers import Turn, Workers

MOST = 64
"""Lists in one worker turn; the others wait for the next."""

CarryOut = Callable[[Sequence[Sequence[Change]]], list[Exception | None]]


class Together:
    """Applies lists of changes in worker turns of many, at most ``most``."""

    def __init__(
        self, *, workers: Workers, carry_out: CarryOut, most: int = MOST
    ) -> None:
        self._workers = workers
        self._carry_out = carry_out
        self._most = most
        self._waiting: deque[tuple[Sequence[Change], Turn[None]]] = deque()
        self._is_busy = False

    def apply(self, changes: Sequence[Change]) -> Deferred[None]:
        """Carry out ``changes`` in order, each durable before the next begins."""
        turn: Turn[None] = Turn()
        self._waiting.append((changes, turn))
        if not self._is_busy:
            self._go()
        return turn

    def _go(self) -> None:
        self._is_busy = bool(self._waiting)
        if not self._is_busy:
            return
        count = min(self._most, len(self._waiting))
        those = [self._waiting.popleft() for _ in range(count)]
        turns = [turn for _, turn in those]
        work = self._workers.run(self._carry_out, [changes for changes, _ in those])
        work.addErrback(lambda failure: [failure] * count)
        work.addCallback(self._gone, turns)

    def _gone(
        self, outcomes: Sequence[Exception | Failure | None], turns: list[Turn[None]]
    ) -> None:
        self._go()
        for turn, outcome in zip(turns, outcomes, strict=True):
            turn.finish(Failure(outcome) if isinstance(outcome, Exception) else outcome)
