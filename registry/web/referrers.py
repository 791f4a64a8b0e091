"""``/v2/<name>/referrers/<digest>``: the manifests that have this one as subject.

Spec: distribution end-12a, end-12b.
"""

from __future__ import annotations

import attrs

from registry.core.descriptor import Descriptor
from registry.core.digest import Digest
from registry.core.mediatype import OCI_INDEX
from registry.core.page import PageRequest, cut_page
from registry.core.referrer import referrers_index
from registry.core.route import Kind, Route
from registry.repository.referrers import Referrers
from registry.web.api import Endpoints
from registry.web.lists import page_query
from registry.web.location import Locations
from registry.web.request import Request
from registry.web.response import Response, header_lines

PAGE = 1000
"""Referrers of a page; a client follows Link for more."""


@attrs.frozen(kw_only=True)
class ReferrerEndpoints:
    """The endpoint of a manifest's referrers."""

    referrers: Referrers
    locations: Locations

    def table(self) -> Endpoints:
        """The endpoints by method."""
        return {Kind.REFERRERS: {"GET": self.get, "HEAD": self.get}}

    async def get(self, request: Request, route: Route) -> Response:
        """An index of them; an empty one where there are none."""
        subject = Digest.parse(route.reference)
        artifact_type = _artifact_type(request)
        page = PageRequest.parse(
            request.parameter("n") or str(PAGE),
            request.parameter("last"),
            maximum=PAGE,
        )
        chosen = {
            str(one.digest): one
            for one in await self.referrers.to(route.repository, subject)
            if artifact_type is None or one.artifact_type == artifact_type
        }
        digests, last = cut_page(sorted(chosen), page)
        lines = [("Content-Type", OCI_INDEX)]
        if artifact_type is not None:
            lines.append(("OCI-Filters-Applied", "artifactType"))
        if last is not None:
            query = page_query(artifactType=artifact_type, last=last, n=page.n)
            path = f"v2/{route.repository}/referrers/{subject}?{query}"
            lines.append(("Link", f'<{self.locations.page(path)}>; rel="next"'))
        index: list[Descriptor] = [chosen[digest] for digest in digests]
        return Response(200, header_lines(*lines), referrers_index(index))


def _artifact_type(request: Request) -> str | None:
    """The type to filter by, or None.

    A plus that a client forgot to encode arrives as a space, which no type contains.
    """
    given = request.parameter("artifactType")
    return given.replace(" ", "+") if given else None
