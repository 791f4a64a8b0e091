"""``/v2/<name>/manifests/<reference>``: pull, push and delete manifests and tags.

Spec: distribution end-3, end-7, end-9.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import attrs

from registry.core.digest import Digest
from registry.core.errors import (
    ManifestTooLarge,
    ManifestUnknown,
    PreconditionFailed,
    Unsupported,
)
from registry.core.manifest import parse_manifest
from registry.core.mediatype import DOCKER_LIST, OCI_MANIFEST, accepts
from registry.core.name import (
    ANY_NAME,
    NameLimits,
    RepositoryName,
    Tag,
    parse_reference,
)
from registry.core.precondition import match, none_match
from registry.core.route import Kind, Route
from registry.repository.manifests import Manifests, StoredManifest
from registry.repository.push import Pushed
from registry.repository.room import Room
from registry.repository.tags import Tags
from registry.web.api import Endpoints
from registry.web.blobs import DELETE_IS_OFF
from registry.web.body import BodyTooLarge
from registry.web.location import Locations
from registry.web.request import Request
from registry.web.response import Response, header_lines

FILES = 24
"""Files and directories that a push of a manifest may make, with one tag."""

TAG_FILES = 8
"""Files and directories that each further tag may take."""

parse = lru_cache(maxsize=8192)(parse_reference)


@attrs.frozen(kw_only=True)
class ManifestEndpoints:
    """The endpoints of manifests."""

    manifests: Manifests
    tags: Tags
    room: Room
    locations: Locations
    size_limit: int
    """Bytes of the largest manifest that is taken."""

    may_delete: bool
    name_limits: NameLimits = ANY_NAME

    def table(self) -> Endpoints:
        """The endpoints by method."""
        return {
            Kind.MANIFEST: {
                "GET": self.get,
                "HEAD": self.get,
                "PUT": self.put,
                "DELETE": self.delete,
            }
        }

    async def get(self, request: Request, route: Route) -> Response:
        """The manifest, byte for byte; its headers only for HEAD."""
        name = route.repository
        reference = parse(route.reference)
        stored = await self.manifests.get(name, reference)
        accept = request.header(b"accept")
        if accept is not None and not accepts(accept, stored.media_type):
            stored = await self._acceptable(name, stored, reference)
        digest = str(stored.digest)
        head = _head(digest, stored.media_type)
        if not none_match(request.header(b"if-none-match"), f'"{digest}"'):
            return Response(304, head)
        return Response(200, head, stored.body)

    async def _acceptable(
        self,
        name: RepositoryName,
        stored: StoredManifest,
        reference: Tag | Digest,
    ) -> StoredManifest:
        """What Distribution serves to a client that does not list the stored type.

        An OCI manifest is refused; a Docker list, asked for by tag, is replaced by its
        linux/amd64 image, for clients older than lists; all else is served as it is.
        """
        if stored.media_type == OCI_MANIFEST:
            raise ManifestUnknown(
                "this is an OCI image manifest and the Accept header does not list its"
                f" type; add {OCI_MANIFEST}"
            )
        if stored.media_type != DOCKER_LIST or isinstance(reference, Digest):
            return stored
        listed = parse_manifest(stored.body, stored.media_type).children
        for child in listed:
            platform = child.platform or {}
            if (platform.get("os"), platform.get("architecture")) == (
                "linux",
                "amd64",
            ):
                return await self.manifests.get(name, child.digest)
        raise ManifestUnknown(
            "the manifest list has no linux/amd64 image for a client that does not"
            f" accept lists; add {DOCKER_LIST} to Accept"
        )

    async def put(self, request: Request, route: Route) -> Response:
        """Push a manifest under a tag or digest, and under any ``tag`` parameters."""
        name = route.repository
        reference = parse(route.reference)
        tags = [Tag(text) for text in request.parameters("tag")]
        for tag in [reference, *tags]:
            if isinstance(tag, Tag):
                self.name_limits.check_tag(tag)
        size = self._most(request)
        with await self.room.promise(size, files=FILES + TAG_FILES * len(tags)):
            pushed = await self.manifests.put(
                name,
                reference,
                tags=tags,
                body=await self._body(request),
                content_type=request.header(b"content-type"),
                may_replace=_precondition(request),
            )
        return self._created(request, name, pushed)

    def _created(
        self, request: Request, name: RepositoryName, pushed: Pushed
    ) -> Response:
        digest = str(pushed.digest)
        lines = [
            ("Location", self.locations.manifest(request, name.text, digest)),
            ("Docker-Content-Digest", digest),
        ]
        if pushed.subject is not None:
            lines.append(("OCI-Subject", str(pushed.subject)))
        lines += [("OCI-Tag", tag.text) for tag in pushed.tags]
        return Response(201, header_lines(*lines))

    def _most(self, request: Request) -> int:
        """Bytes that the manifest may have. Raises ManifestTooLarge."""
        length = request.body.length
        if length is None:
            return self.size_limit
        if length > self.size_limit:
            raise self._too_large()
        return length

    async def _body(self, request: Request) -> bytes:
        try:
            return await request.body.whole(self.size_limit)
        except BodyTooLarge as error:
            raise self._too_large() from error

    def _too_large(self) -> ManifestTooLarge:
        return ManifestTooLarge(
            f"a manifest may have at most {self.size_limit} bytes here"
        )

    async def delete(self, request: Request, route: Route) -> Response:
        """Delete a tag; or a manifest, and with it the tags that point at it."""
        del request
        if not self.may_delete:
            raise Unsupported(DELETE_IS_OFF)
        name = route.repository
        reference = parse(route.reference)
        if isinstance(reference, Tag):
            await self.tags.delete(name, reference)
            return Response(202)
        await self.manifests.delete(name, reference)
        return Response(202, header_lines(("Docker-Content-Digest", str(reference))))


def _precondition(request: Request) -> Callable[[Digest | None], None] | None:
    """What If-Match and If-None-Match say about what would be replaced, if anything."""
    if_match = request.header(b"if-match")
    if_none_match = request.header(b"if-none-match")
    if if_match is None and if_none_match is None:
        return None

    def check(current: Digest | None) -> None:
        etag = None if current is None else f'"{current}"'
        if not match(if_match, etag) or not none_match(if_none_match, etag):
            raise PreconditionFailed

    return check


@lru_cache(maxsize=8192)
def _head(digest: str, media_type: str) -> bytes:
    """The header lines of a manifest, which never change."""
    return header_lines(
        ("Content-Type", media_type),
        ("Docker-Content-Digest", digest),
        ("ETag", f'"{digest}"'),
    )
