"""``/v2/``: whether this is a registry, and whether the client may use it.

Spec: distribution end-1.
"""

from __future__ import annotations

from registry.core.route import Kind, Route
from registry.web.api import Endpoints
from registry.web.request import Request
from registry.web.response import Response, header_lines

_HEAD = header_lines(("Content-Type", "application/json"))


async def answer_base(request: Request, route: Route) -> Response:
    """Yes, it is: an empty JSON object, as Distribution answers."""
    del request, route
    return Response(200, _HEAD, b"{}")


BASE_ENDPOINTS: Endpoints = {Kind.BASE: {"GET": answer_base, "HEAD": answer_base}}
