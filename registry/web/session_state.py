"""The ``_state`` parameter of upload URLs, in Distribution's format.

It is the offset that the client was told, signed. Nothing here needs it: the session's
file is the truth, and URLs without it work. With it, a client that repeats a chunk
after a lost answer is told so (416) instead of spoiling its upload, and Distribution,
given the same ``http.secret``, can go on with a session that was begun here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import attrs


@attrs.frozen
class SessionStates:
    """Signs and reads states with ``http.secret``."""

    secret: bytes = attrs.field(repr=False)

    def seal(self, *, name: str, session: str, offset: int) -> str:
        """The state of a session of repository ``name`` that holds ``offset`` bytes.

        Distribution adds ``StartedAt``, but reads it from its files when it needs it.
        """
        text = json.dumps(
            {"Name": name, "UUID": session, "Offset": offset}, separators=(",", ":")
        ).encode("ascii")
        return base64.urlsafe_b64encode(self._mac(text) + text).decode("ascii")

    def offset(self, state: str | None, *, name: str, session: str) -> int | None:
        """The offset that an authentic state of this session tells, else None."""
        try:
            sealed = base64.b64decode(state or "", altchars=b"-_", validate=True)
        except ValueError:
            return None
        mac, text = sealed[:32], sealed[32:]
        if not hmac.compare_digest(mac, self._mac(text)):
            return None
        told = json.loads(text)
        if told.get("Name") != name or told.get("UUID") != session:
            return None
        offset = told.get("Offset")
        return offset if isinstance(offset, int) else None

    def _mac(self, text: bytes) -> bytes:
        return hmac.new(self.secret, text, hashlib.sha256).digest()
