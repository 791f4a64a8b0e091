"""Claims: which requests want an upload session, in the order in which they get it.

One request at a time has a session. Where its client has lost the connection without a
word, that request waits for bytes that never come, and the same client, who is back
with the rest, waits behind it. So a body that others wait for is contested: it has to
keep coming (``takeover_timeout``), or what it brought is kept and the next one goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry.web.body import Body


class Claims:
    """The bodies of the requests for each session."""

    def __init__(self) -> None:
        self._claims: dict[tuple[str, str], list[Body]] = {}

    def __len__(self) -> int:
        return len(self._claims)

    @contextmanager
    def claim(self, name: str, session: str, body: Body) -> Iterator[None]:
        """Want, and then have, a session of the repository ``name`` for ``body``."""
        bodies = self._claims.setdefault((name, session), [])
        bodies.append(body)
        _mark(bodies)
        try:
            yield
        finally:
            bodies.remove(body)
            _mark(bodies)
            if not bodies:
                del self._claims[name, session]


def _mark(bodies: list[Body]) -> None:
    """The first has the session: it is contested if there is a second."""
    if bodies and not bodies[0].is_complete:
        bodies[0].is_contested = len(bodies) > 1
