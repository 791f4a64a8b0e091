"""What clients were told, and what a registry may therefore show.

Every fact that a client can change has a key and a history of attempts at it. An
attempt that was answered with success counts from then on, unless another one that
began later was successful too. One without an answer, or with a failure, may have had
its effect or not. So a key may show several values, and never any other.

``position`` says how far the world is: whatever a test counts. A question about an
earlier position is answered as if the world had ended there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from threading import Lock

import attrs

from registry.core.digest import Digest

NEVER = float("inf")

HELD = "held"
"""The value of a blob or manifest that a repository holds; None where it does not."""

OPEN = "open"
"""The value of an upload session that can go on."""


@attrs.frozen(order=True)
class Key:
    """One fact: ``kind`` is blob, manifest, tag or upload."""

    kind: str
    name: str
    reference: str


@attrs.define(eq=False)
class Attempt:
    """Somebody wants ``value`` under ``key``.

    ``began`` and ``ended`` are for its order among others, ``start`` and ``end`` are
    positions.
    """

    key: Key
    value: str | None
    began: float
    start: float
    ended: float = NEVER
    end: float = NEVER
    is_certain: bool = False

    def cut_off(self, now: float) -> Attempt:
        """The same without an answer, as everything ends ``now``."""
        return attrs.evolve(self, ended=now, end=0, is_certain=False)

    def is_promised(self, at: float) -> bool:
        """Whether the world at that position has said that it succeeded."""
        return self.is_certain and self.end <= at


@attrs.frozen
class Told:
    """What a client knew at a position: ``offset`` bytes are there, go on here."""

    position: float
    offset: int
    location: str


@attrs.define(eq=False)
class Sending:
    """An upload on its way: ``content`` is what the client sends, from the start."""

    key: Key
    content: bytes
    told: list[Told]
    """What was answered, with the beginning of the session first."""

    sent: list[tuple[float, int]] = attrs.field(factory=lambda: [(0, 0)])
    """Offsets up to which something was sent, with their positions."""

    owner: int | None = None
    """Which of several clients may go on with it, once it was left."""

    @property
    def offset(self) -> int:
        """Bytes that the client knows to be there."""
        return self.told[-1].offset

    @property
    def location(self) -> str:
        """Where the client goes on."""
        return self.told[-1].location

    def before(self, at: float) -> Sending | None:
        """The same, as far as it had come at a position, if it had begun."""
        told = [told for told in self.told if told.position <= at]
        sent = [sent for sent in self.sent if sent[0] <= at]
        return attrs.evolve(self, told=told, sent=sent) if told else None

    def bounds(self, at: float = NEVER) -> tuple[int, int]:
        """The offsets that the registry may tell: the least and the greatest."""
        least = max(
            (told.offset for told in self.told if told.position <= at), default=0
        )
        greatest = max(offset for position, offset in self.sent if position <= at)
        return least, max(least, greatest)


class Promises:
    """The facts of one store. Threads may share it."""

    def __init__(self, *, position: Callable[[], float] = lambda: 0) -> None:
        self.contents: dict[str, bytes] = {}
        """All content that was ever sent, by its digests."""

        self.sendings: dict[Key, Sending] = {}
        self.position = position
        self._histories: dict[Key, list[Attempt]] = {}
        self._counter = count()
        self._lock = Lock()
        self.acknowledged = 0
        self.changed: set[Key] = set()
        """Keys of attempts since this was last emptied."""

    def branch(self, *, at: float = NEVER) -> Promises:
        """The same promises, to go on in another way from a position.

        The world ended there: what was not answered will not be done any more.
        """
        copy = Promises(position=self.position)
        copy.contents = dict(self.contents)
        copy._counter = count(now := next(self._counter))
        for key, sending in self.sendings.items():
            if (begun := sending.before(at)) is not None:
                copy.sendings[key] = begun
        for key, history in self._histories.items():
            copy._histories[key] = [
                attempt if attempt.end <= at else attempt.cut_off(now)
                for attempt in history
                if attempt.start <= at
            ]
        return copy

    def moments(self) -> list[float]:
        """The positions at which something was asked or answered, in order."""
        found = {m for a in self._attempts() for m in (a.start, a.end)}
        for sending in self.sendings.values():
            found.update(told.position for told in sending.told)
            found.update(position for position, _ in sending.sent)
        return sorted(found)

    def remember(self, content: bytes, *algorithms: str) -> None:
        """Content that will be sent."""
        for algorithm in algorithms or ("sha256",):
            self.contents[str(Digest.of(content, algorithm))] = content

    def begin(
        self,
        kind: str,
        name: str,
        reference: object,
        value: str | None,
        *,
        since: float | None = None,
    ) -> Attempt:
        """Somebody is about to ask for ``value``, or has been ``since`` a position."""
        key = Key(kind, name, str(reference))
        start = self.position() if since is None else since
        with self._lock:
            attempt = Attempt(key, value, next(self._counter), start)
            self._history(key).append(attempt)
            self.changed.add(key)
        return attempt

    def keep(self, attempt: Attempt) -> None:
        """It was answered with success."""
        with self._lock:
            self._end(attempt)
            attempt.is_certain = True
            self.acknowledged += 1

    def doubt(self, attempt: Attempt) -> None:
        """It failed, or was not answered, and may have had its effect all the same."""
        with self._lock:
            self._end(attempt)

    def withdraw(self, attempt: Attempt) -> None:
        """It was refused, so that it had no effect."""
        with self._lock:
            self._histories[attempt.key].remove(attempt)

    def end_all(self) -> None:
        """The registry has ended: what is not answered will not be done any more."""
        with self._lock:
            for attempt in self._attempts():
                if attempt.ended == NEVER:
                    self._end(attempt)

    def keys(self, kind: str | None) -> list[Key]:
        """All facts that there are, or those of one kind."""
        with self._lock:
            return sorted(k for k in self._histories if kind in (None, k.kind))

    def allowed(self, key: Key, at: float = NEVER) -> set[str | None]:
        """The values that ``key`` may have at a position."""
        with self._lock:
            history = self._histories.get(key) or [_nothing(key)]
            begun = [attempt for attempt in history if attempt.start <= at]
        promised = [attempt for attempt in begun if attempt.is_promised(at)]
        last = max((attempt.began for attempt in promised), default=-1.0)
        return {a.value for a in begun if a.end > at or a.ended >= last}

    def is_sure(self, key: Key, value: str | None, at: float = NEVER) -> bool:
        """Whether ``key`` can have no other value."""
        return self.allowed(key, at) == {value}

    def may_be(self, key: Key, value: str | None, at: float = NEVER) -> bool:
        """Whether ``key`` can have this value."""
        return value in self.allowed(key, at)

    def observed(self, key: Key, value: str | None) -> None:
        """It was seen, with nobody changing it: from now on it stays so."""
        with self._lock:
            ended = next(self._counter)
            self._histories[key] = [
                Attempt(key, value, ended, 0, ended, 0, is_certain=True)
            ]

    def _history(self, key: Key) -> list[Attempt]:
        return self._histories.setdefault(key, [_nothing(key)])

    def _attempts(self) -> Iterator[Attempt]:
        for history in self._histories.values():
            yield from history

    def _end(self, attempt: Attempt) -> None:
        attempt.ended = next(self._counter)
        attempt.end = self.position()


def _nothing(key: Key) -> Attempt:
    """What every history begins with: the store was empty."""
    return Attempt(key, None, -1, 0, -1, 0, is_certain=True)
