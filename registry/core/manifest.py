"""A manifest: the document that makes content an image, an index or an artifact.

What arrives is checked strictly, what is already stored is read leniently, for
Distribution has accepted it and clients rely on it. The bytes are never changed.

Spec: image-spec manifest and image-index; distribution end-7.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import attrs

from registry.core import mediatype
from registry.core.descriptor import Descriptor
from registry.core.document import (
    DEPTH_LIMIT,
    VALUE_LIMIT,
    annotations_field,
    list_field,
    parse_document,
    text_field,
)
from registry.core.errors import ManifestInvalid

_ACCEPTED = mediatype.MANIFEST_TYPES | mediatype.INDEX_TYPES
_DOCKER_TYPES = frozenset({mediatype.DOCKER_MANIFEST, mediatype.DOCKER_LIST})
_FIELDS = {
    field.lower(): field
    for field in (
        "annotations",
        "artifactType",
        "config",
        "layers",
        "manifests",
        "mediaType",
        "schemaVersion",
        "subject",
    )
}


@attrs.frozen(kw_only=True)
class Manifest:
    """A checked manifest: its exact bytes and what they refer to.

    An index has ``children`` and no ``config`` or ``layers``; every other manifest has
    a ``config`` and no ``children``. ``subject`` may name what is not here (yet).
    """

    body: bytes = attrs.field(repr=False)
    media_type: str
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    children: tuple[Descriptor, ...]
    subject: Descriptor | None
    artifact_type: str | None
    annotations: Mapping[str, str] = attrs.field(hash=False)

    @property
    def is_index(self) -> bool:
        """Whether it lists manifests rather than a config and layers."""
        return self.media_type in mediatype.INDEX_TYPES


def parse_manifest(
    body: bytes,
    content_type: str | None,
    *,
    depth: int = DEPTH_LIMIT,
    values: int = VALUE_LIMIT,
) -> Manifest:
    """The manifest that ``body`` is, pushed as ``content_type``.

    Without a Content-Type, the manifest's own ``mediaType`` says what it is. ``depth``
    bounds what nests in it, ``values`` how much. Raises ManifestInvalid.
    """
    fields = parse_document(body, depth=depth, values=values)
    media_type = _media_type(fields, content_type)
    is_index = media_type in mediatype.INDEX_TYPES
    _check_shape(fields, is_index=is_index)
    return Manifest(
        body=body,
        media_type=media_type,
        config=_descriptor(fields, "config"),
        layers=_descriptors(fields, "layers"),
        children=_descriptors(fields, "manifests"),
        subject=_descriptor(fields, "subject"),
        artifact_type=text_field(fields, "artifactType", "") or None,
        annotations=annotations_field(fields, ""),
    )


def stored_media_type(body: bytes) -> str:
    """The media type of a manifest that is in the store. Never raises.

    Distribution stores no Content-Type: it is the ``mediaType`` field, and where that
    is missing the shape tells. Only what can stand in a header is returned.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return mediatype.OCI_MANIFEST
    if not isinstance(fields, dict):
        return mediatype.OCI_MANIFEST
    declared = fields.get("mediaType")
    if isinstance(declared, str) and mediatype.is_media_type(declared):
        return declared
    if fields.get("schemaVersion") == 1 and "signatures" in fields:
        return mediatype.DOCKER_SIGNED
    is_index = "manifests" in fields and (
        fields["manifests"] is not None or fields.get("config") is None
    )
    return mediatype.OCI_INDEX if is_index else mediatype.OCI_MANIFEST


def _media_type(fields: Mapping[str, object], content_type: str | None) -> str:
    declared = text_field(fields, "mediaType", "")
    media_type = mediatype.essence(content_type or "") or declared
    if media_type not in _ACCEPTED:
        named = repr(media_type[:100]) if media_type else "nothing"
        raise ManifestInvalid(
            f"the manifest's type is {named}, which this registry does not take; set"
            f" Content-Type to one of {', '.join(sorted(_ACCEPTED))}"
        )
    if declared != media_type and (declared or media_type in _DOCKER_TYPES):
        raise ManifestInvalid(
            f"the mediaType field says {declared[:100]!r} and the Content-Type says"
            f" {media_type!r}; make them the same"
        )
    return media_type


def _check_shape(fields: Mapping[str, object], *, is_index: bool) -> None:
    """Refuse what one client could read as an image and another as an index.

    Spec: image-spec CVE-2021-41190. Clients written in Go read keys without regard to
    case, so a known field may not be spelled in another way either.
    """
    version = fields.get("schemaVersion")
    if type(version) is not int or version != 2:
        raise ManifestInvalid("schemaVersion has to be 2; push a current manifest")
    for field in fields:
        known = _FIELDS.get(field.lower(), field)
        if field != known:
            raise ManifestInvalid(
                f"the field {field!r} is spelled {known!r}; rename it"
            )
    for field in ("config", "layers") if is_index else ("manifests",):
        if fields.get(field) is not None:
            kind = "an index" if is_index else "an image manifest"
            raise ManifestInvalid(f"{kind} must not have {field!r}; remove it")
    needed = "manifests" if is_index else "config"
    if needed not in fields or (not is_index and fields["config"] is None):
        raise ManifestInvalid(f"the manifest has no {needed!r}; add it")


def _descriptor(fields: Mapping[str, object], key: str) -> Descriptor | None:
    value = fields.get(key)
    return None if value is None else Descriptor.from_json(value, where=key)


def _descriptors(fields: Mapping[str, object], key: str) -> tuple[Descriptor, ...]:
    return tuple(
        Descriptor.from_json(value, where=f"{key}[{position}]")
        for position, value in enumerate(list_field(fields, key, ""))
    )
