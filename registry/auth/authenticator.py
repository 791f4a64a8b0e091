"""The seam to whatever decides who may do what."""

from __future__ import annotations

from typing import Protocol

import attrs

from registry.core.errors import Unauthorized
from registry.core.scope import Access


@attrs.frozen
class Principal:
    """Whoever makes a request; ``name`` is None for somebody who did not say."""

    name: str | None = None


NOBODY = Principal()
"""Somebody who did not say who they are."""


class Challenged(Unauthorized):
    """Unauthorized, with what the client should answer: a WWW-Authenticate value."""

    def __init__(self, challenge: str, message: str | None = None) -> None:
        super().__init__(message)
        self.challenge = challenge


class Authenticator(Protocol):
    """Decides about one request, from its Authorization header and what it needs."""

    async def admit(
        self, authorization: str | None, access: tuple[Access, ...]
    ) -> Principal:
        """Who it is, if they may. Raises Challenged or Denied."""

    async def may_read(self, principal: Principal, name: str) -> bool:
        """Whether ``principal`` may pull from the repository called ``name``."""
