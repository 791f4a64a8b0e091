"""The head of a request, as an endpoint sees it."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from registry.auth.authenticator import NOBODY, Principal

if TYPE_CHECKING:
    from registry.web.body import Body
    from registry.web.peer import Peer

_PROCESS = os.urandom(6).hex()
_COUNTER = itertools.count(1)


class Request:
    """One request: method, target, headers, and a body that may still be arriving.

    Header names are lower-case bytes; a header that was repeated has its values joined
    by ``, `` as RFC 9110 5.2 allows. ``client`` is the client's address as a proxy
    tells it, once somebody has asked (``location.py``). Slots and plain attributes,
    because one is made for every request and most of it is never looked at.
    """

    __slots__ = (
        "_id",
        "_query",
        "body",
        "client",
        "headers",
        "keep_alive",
        "method",
        "peer",
        "principal",
        "secure",
        "started",
        "target",
        "version",
    )

    def __init__(
        self,
        method: str,
        target: bytes,
        version: str,
        headers: dict[bytes, bytes],
        body: Body,
        peer: Peer,
        *,
        keep_alive: bool,
        secure: bool,
        started: float,
    ) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.body = body
        self.peer = peer
        self.keep_alive = keep_alive
        self.secure = secure
        self.started = started
        self.principal: Principal = NOBODY
        self.client: str | None = None
        self._query: dict[str, list[str]] | None = None
        self._id: str | None = None

    @property
    def id(self) -> str:
        """A name for this request in logs and events; made when first asked for."""
        if self._id is None:
            self._id = f"{_PROCESS}-{next(_COUNTER):x}"
        return self._id

    @property
    def path(self) -> str:
        """The target up to ``?``, still percent-encoded."""
        return self.target.partition(b"?")[0].decode("latin-1")

    def header(self, name: bytes) -> str | None:
        """The value of a header, or None. ``name`` is lower-case."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def parameters(self, name: str) -> list[str]:
        """All values of a query parameter, in order."""
        if self._query is None:
            self._query = {}
            _, mark, text = self.target.partition(b"?")
            if mark:
                pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True)
                for key, value in pairs:
                    self._query.setdefault(key, []).append(value)
        return self._query.get(name, [])

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter, or None."""
        values = self.parameters(name)
        return values[0] if values else None
