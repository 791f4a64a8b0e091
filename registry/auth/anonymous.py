"""No authentication: everybody may do everything.

As Distribution does without ``auth``; fit for a loopback address or a closed network.
"""

from __future__ import annotations

from registry.auth.authenticator import NOBODY, Principal
from registry.core.scope import Access


class Anonymous:
    """Admits every request."""

    async def admit(
        self, authorization: str | None, access: tuple[Access, ...]
    ) -> Principal:
        """Nobody in particular."""
        del authorization, access
        return NOBODY

    async def may_read(self, principal: Principal, name: str) -> bool:
        """Yes."""
        del principal, name
        return True
