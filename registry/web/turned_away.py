"""A connection beyond the bounds: its first request is refused, and then it closes.

It waits for the request, because a client that is answered before it asked does not
look at the answer. Few of these exist at once and each for a moment, so they are not
counted among the connections.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from registry.core.errors import RegistryError
from registry.web.channel import Channel
from registry.web.crowd import Visitor
from registry.web.problem import problem
from registry.web.request import Request
from registry.web.response import Response

if TYPE_CHECKING:
    from registry.web.site import Site


class TurnedAway(Channel):
    """A channel that answers one request, with ``error``."""

    def __init__(self, *, site: Site, error: RegistryError) -> None:
        super().__init__(site=site)
        self._error = error
        self._until = site.now() + site.limits.linger_timeout

    def _enter(self, host: str) -> Visitor:
        self.site.watch(self)
        return Visitor(host, math.inf, math.inf)

    def _leave(self) -> None:
        self.site.forget(self)

    async def _serve(self, request: Request, response: Response | None) -> None:
        request.keep_alive = False
        await super()._serve(request, response or problem(self._error))

    def check(self, now: float) -> None:
        """Let go of it after a moment, whatever it does."""
        if now >= self._until:
            self.abort()
        else:
            super().check(now)
