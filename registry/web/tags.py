"""``/v2/<name>/tags/list``: the tags of a repository.

Spec: distribution end-8a, end-8b.
"""

from __future__ import annotations

import attrs

from registry.core.page import PageRequest, cut_page
from registry.core.route import Kind, Route
from registry.repository.tags import Tags
from registry.web.api import Endpoints
from registry.web.lists import list_response, page_query
from registry.web.location import Locations
from registry.web.request import Request
from registry.web.response import Response


@attrs.frozen(kw_only=True)
class TagEndpoints:
    """The endpoint of a repository's tags."""

    tags: Tags
    locations: Locations
    maximum: int
    """``tags.maxtags``: the longest page."""

    def table(self) -> Endpoints:
        """The endpoints by method."""
        return {Kind.TAGS: {"GET": self.get, "HEAD": self.get}}

    async def get(self, request: Request, route: Route) -> Response:
        """The tags in order, all of them or a page."""
        page = PageRequest.parse(
            request.parameter("n"), request.parameter("last"), maximum=self.maximum
        )
        names, last = cut_page(await self.tags.names(route.repository), page)
        following = None
        if last is not None:
            query = page_query(last=last, n=page.n)
            following = self.locations.page(f"v2/{route.repository}/tags/list?{query}")
        return list_response(
            {"name": route.repository.text, "tags": names}, next_page=following
        )
