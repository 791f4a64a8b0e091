"""The endpoints of the API, made from a registry and a configuration."""

from __future__ import annotations

from registry.auth.authenticator import Authenticator
from registry.config.schema import Configuration
from registry.core.name import NameLimits
from registry.core.route import Kind
from registry.repository.registry import Registry
from registry.web.api import Endpoint, Endpoints
from registry.web.base import BASE_ENDPOINTS
from registry.web.blobs import BlobEndpoints
from registry.web.catalog import CatalogEndpoints
from registry.web.claims import Claims
from registry.web.location import Locations
from registry.web.manifests import ManifestEndpoints
from registry.web.referrers import ReferrerEndpoints
from registry.web.repositories import RepositoryEndpoints
from registry.web.session_state import SessionStates
from registry.web.tags import TagEndpoints
from registry.web.uploads import UploadEndpoints


def build_endpoints(
    config: Configuration,
    *,
    registry: Registry,
    authenticator: Authenticator | None,
    own_secret: bytes,
    claims: Claims | None = None,
) -> Endpoints:
    """Every endpoint, by kind of route and by method.

    ``own_secret`` signs upload sessions where ``http.secret`` says nothing; ``claims``
    are those of the endpoints that these take the place of, if any.
    """
    locations = Locations(
        host=config.http.host,
        prefix=config.http.prefix or "/",
        are_relative=config.http.relativeurls,
    )
    given = config.http.secret
    secret = own_secret if given is None else given.reveal().encode()
    may_delete = config.storage.delete.enabled
    tables: list[Endpoints] = [
        BASE_ENDPOINTS,
        CatalogEndpoints(
            catalog=registry.catalog,
            locations=locations,
            maximum=config.catalog.maxentries,
        ).table(),
        TagEndpoints(
            tags=registry.tags, locations=locations, maximum=config.tags.maxtags
        ).table(),
        ManifestEndpoints(
            manifests=registry.manifests,
            tags=registry.tags,
            room=registry.room,
            locations=locations,
            size_limit=config.validation.manifests.sizelimit,
            may_delete=may_delete,
            name_limits=name_limits(config),
        ).table(),
        BlobEndpoints(
            blobs=registry.blobs,
            may_delete=may_delete,
            range_limit=config.http.limits.ranges,
        ).table(),
        UploadEndpoints(
            blobs=registry.blobs,
            uploads=registry.uploads,
            room=registry.room,
            authenticator=authenticator,
            locations=locations,
            states=SessionStates(secret),
            claims=Claims() if claims is None else claims,
        ).table(),
        ReferrerEndpoints(referrers=registry.referrers, locations=locations).table(),
        RepositoryEndpoints(
            remove=registry.delete_repository, may_delete=may_delete
        ).table(),
    ]
    merged: dict[Kind, dict[str, Endpoint]] = {}
    for table in tables:
        for kind, methods in table.items():
            merged.setdefault(kind, {}).update(methods)
    return merged


def name_limits(config: Configuration) -> NameLimits:
    """How long the names may be that are pushed."""
    validation = config.validation
    return NameLimits(name=validation.namelimit, tag=validation.taglimit)
