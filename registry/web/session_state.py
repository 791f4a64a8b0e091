"""The ``_state`` parameter of upload URLs, in Distribution's format.

It is the offset that the client was told, signed, and of a blank session also all that
there is to it. A session that has bytes needs none of this: its file is the truth, and
URLs without a state work. With it, a client that repeats a chunk after a lost
answer is told so (416) instead of spoiling its upload; a session without bytes is good
also after a restart; and Distribution, given the same ``http.secret``, can go on with a
session that has bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

import attrs

from registry.core.digest import CANONICAL, HEX_LENGTHS
from registry.repository.blank import Blank
from registry.repository.started import format_started, parse_started
from registry.storage.driver import StorageFailure


@attrs.frozen
class SessionStates:
    """Signs and reads states with ``http.secret``."""

    secret: bytes = attrs.field(repr=False)

    def seal(
        self, *, name: str, session: str, offset: int, blank: Blank | None = None
    ) -> str:
        """The state of a session of repository ``name`` that holds ``offset`` bytes.

        Distribution has no blank sessions, and no runs.
        """
        told: dict[str, str | int] = {"Name": name, "UUID": session, "Offset": offset}
        if blank is not None:
            told["StartedAt"] = format_started(blank.started).decode("ascii")
            if blank.algorithm != CANONICAL:
                told["DigestAlgorithm"] = blank.algorithm
            told["Run"] = blank.run
        text = json.dumps(told, separators=(",", ":")).encode("ascii")
        return base64.urlsafe_b64encode(self._mac(text) + text).decode("ascii")

    def offset(self, state: str | None, *, name: str, session: str) -> int | None:
        """The offset that an authentic state of this session tells, else None."""
        offset = self._told(state, name, session).get("Offset")
        return offset if isinstance(offset, int) else None

    def blank(self, state: str | None, *, name: str, session: str) -> Blank | None:
        """The blank session that an authentic state tells of, else None."""
        told = self._told(state, name, session)
        run = told.get("Run")
        algorithm = str(told.get("DigestAlgorithm", CANONICAL))
        is_blank = told.get("Offset") == 0 and isinstance(run, str)
        if not is_blank or algorithm not in HEX_LENGTHS:
            return None
        try:
            text = str(told.get("StartedAt")).encode("ascii", "replace")
            started = int(parse_started("_state", text))
        except StorageFailure:
            return None
        return Blank(started, algorithm, str(run))

    def _told(self, state: str | None, name: str, session: str) -> Mapping[str, object]:
        try:
            sealed = base64.b64decode(state or "", altchars=b"-_", validate=True)
        except ValueError:
            return {}
        mac, text = sealed[:32], sealed[32:]
        if not hmac.compare_digest(mac, self._mac(text)):
            return {}
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        if not isinstance(told, dict):
            return {}
        is_ours = told.get("Name") == name and told.get("UUID") == session
        return told if is_ours else {}

    def _mac(self, text: bytes) -> bytes:
        return hmac.new(self.secret, text, hashlib.sha256).digest()
