"""``/v2/<name>/blobs/<digest>``: pull a blob, ask for it, unlink it.

Spec: distribution end-2, end-10.
"""

from __future__ import annotations

from functools import lru_cache

import attrs

from registry.core.digest import Digest
from registry.core.errors import Unsupported
from registry.core.mediatype import OCTET_STREAM
from registry.core.route import Kind, Route
from registry.core.span import RANGE_LIMIT
from registry.repository.blobs import Blobs
from registry.web.api import Endpoints
from registry.web.ranges import content_response, head_response
from registry.web.request import Request
from registry.web.response import Response, header_lines

parse_digest = lru_cache(maxsize=8192)(Digest.parse)

DELETE_IS_OFF = (
    "deleting is switched off here; the operator can set storage.delete.enabled: true"
)


@attrs.frozen(kw_only=True)
class BlobEndpoints:
    """The endpoints of blobs."""

    blobs: Blobs
    may_delete: bool
    range_limit: int = RANGE_LIMIT
    """Ranges that one request may ask for."""

    def table(self) -> Endpoints:
        """The endpoints by method."""
        return {Kind.BLOB: {"GET": self.get, "HEAD": self.head, "DELETE": self.delete}}

    async def get(self, request: Request, route: Route) -> Response:
        """The content, whole or in ranges."""
        digest = parse_digest(route.reference)
        _, content = await self.blobs.open(route.repository, digest)
        return content_response(
            request,
            content,
            etag=f'"{route.reference}"',
            media_type=OCTET_STREAM,
            head=_head(route.reference),
            range_limit=self.range_limit,
        )

    async def head(self, request: Request, route: Route) -> Response:
        """What a GET of the whole would say. Ranges are for GET only, RFC 9110 14.2."""
        digest = parse_digest(route.reference)
        blob = await self.blobs.find(route.repository, digest)
        return head_response(
            request,
            blob.size,
            etag=f'"{route.reference}"',
            media_type=OCTET_STREAM,
            head=_head(route.reference),
        )

    async def delete(self, request: Request, route: Route) -> Response:
        """Take the blob out of the repository.

        Its bytes are garbage when no other repository holds it.
        """
        del request
        if not self.may_delete:
            raise Unsupported(DELETE_IS_OFF)
        digest = parse_digest(route.reference)
        await self.blobs.delete(route.repository, digest)
        return Response(202, header_lines(("Docker-Content-Digest", str(digest))))


@lru_cache(maxsize=8192)
def _head(digest: str) -> bytes:
    """The header lines of a blob, which never change."""
    return header_lines(
        ("Docker-Content-Digest", digest),
        ("ETag", f'"{digest}"'),
        ("Cache-Control", "max-age=31536000"),
        ("Accept-Ranges", "bytes"),
    )
