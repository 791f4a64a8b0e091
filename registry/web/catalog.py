"""``/v2/_catalog``: the repositories of this registry, as Distribution lists them."""

from __future__ import annotations

import attrs

from registry.core.page import PageRequest, cut_page
from registry.core.route import Kind, Route
from registry.repository.catalog import Catalog
from registry.web.api import Endpoints
from registry.web.lists import list_response, page_query
from registry.web.location import Locations
from registry.web.request import Request
from registry.web.response import Response

DEFAULT = 100
"""Names of a page when the client does not say ``n``."""


@attrs.frozen(kw_only=True)
class CatalogEndpoints:
    """The endpoint of the catalog."""

    catalog: Catalog
    locations: Locations
    maximum: int
    """``catalog.maxentries``: the longest page."""

    def table(self) -> Endpoints:
        """The endpoints by method."""
        return {Kind.CATALOG: {"GET": self.get, "HEAD": self.get}}

    async def get(self, request: Request, route: Route) -> Response:
        """A page of names, in order."""
        del route
        n = request.parameter("n") or str(DEFAULT)
        page = PageRequest.parse(n, request.parameter("last"), maximum=self.maximum)
        names, last = cut_page(await self.catalog.names(), page)
        following = None
        if last is not None:
            query = page_query(last=last, n=page.n)
            following = self.locations.page(f"v2/_catalog?{query}")
        return list_response({"repositories": names}, next_page=following)
