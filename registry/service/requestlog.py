"""Every answer in the process's log, at level ``debug``, with Distribution's fields.

Unlike a line of the access log it has the request's id, by which it is found beside the
lines about a failure, and how long the answer took. It costs more than the access log,
so nothing tells it of answers unless ``log.level`` is ``debug``.

Source: Distribution ``internal/dcontext/http.go``.
"""

from __future__ import annotations

from twisted.logger import Logger

from registry.service.access import AGENT, TARGET, Escapes, written
from registry.web.location import client_address
from registry.web.request import Request
from registry.web.response import Response


class RequestLog:
    """Logs "response completed" for each answer."""

    def __init__(self) -> None:
        self._targets = Escapes(TARGET)
        self._texts = Escapes(AGENT)
        self._log = Logger()

    def started(self, request: Request) -> None:
        """A line is written only when the answer is known."""

    def answered(self, request: Request, response: Response, seconds: float) -> None:
        """Log this answer."""
        get = request.headers.get
        fields: dict[str, object] = {
            "http.request.id": request.id,
            "http.request.method": request.method,
            "http.request.host": self._texts[get(b"host", b"")],
            "http.request.uri": self._targets[request.target],
            "http.request.remoteaddr": client_address(request),
            "http.request.useragent": self._texts[get(b"user-agent", b"")],
            "http.response.status": response.status,
            "http.response.written": written(request, response),
            "http.response.duration": f"{seconds * 1000:.3f}ms",
        }
        self._log.debug("response completed", **fields)
