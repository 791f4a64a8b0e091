"""Lists as responses: a page of names and a link to the next.

Spec: distribution, Listing Tags. RFC 8288.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from registry.web.response import Response, header_lines

JSON = "application/json"


def list_response(content: object, *, next_page: str | None) -> Response:
    """``content`` as JSON; ``next_page`` is the URL of what follows."""
    lines = [("Content-Type", JSON)]
    if next_page is not None:
        lines.append(("Link", f'<{next_page}>; rel="next"'))
    body = json.dumps(content, separators=(",", ":")).encode("ascii") + b"\n"
    return Response(200, header_lines(*lines), body)


def page_query(**parameters: str | int | None) -> str:
    """A query string of the parameters that are not None."""
    return urlencode({key: str(v) for key, v in parameters.items() if v is not None})
