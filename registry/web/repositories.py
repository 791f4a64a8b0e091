"""``DELETE /v2/<name>/``: take a whole repository away. An extension of ours.

Distribution has no such thing, and its users remove directories by hand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from registry.core.errors import Unsupported
from registry.core.name import RepositoryName
from registry.core.route import Kind, Route
from registry.web.api import Endpoints
from registry.web.blobs import DELETE_IS_OFF
from registry.web.request import Request
from registry.web.response import Response


@attrs.frozen(kw_only=True)
class RepositoryEndpoints:
    """The endpoint of whole repositories."""

    remove: Callable[[RepositoryName], Awaitable[None]]
    may_delete: bool

    def table(self) -> Endpoints:
        """The endpoints by method."""
        return {Kind.REPOSITORY: {"DELETE": self.delete}}

    async def delete(self, request: Request, route: Route) -> Response:
        """Delete its tags, manifests, blob links and uploads."""
        del request
        if not self.may_delete:
            raise Unsupported(DELETE_IS_OFF)
        await self.remove(route.repository)
        return Response(202)
