"""A descriptor: how a manifest refers to other content.

Spec: image-spec descriptor, Properties.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from registry.core.digest import Digest
from registry.core.document import (
    annotations_field,
    as_object,
    text_field,
    texts_field,
)
from registry.core.errors import DigestInvalid, ManifestInvalid

SIZE_LIMIT = 2**63 - 1
"""Bytes; the specification says int64."""


@attrs.frozen(kw_only=True)
class Descriptor:
    """A reference to content: what it is, its digest and its size in bytes.

    ``media_type`` is empty where the author gave none, as Distribution allows. Embedded
    ``data`` and unknown fields are dropped: the manifest's own bytes keep them.
    """

    media_type: str
    digest: Digest
    size: int = attrs.field(validator=[attrs.validators.ge(0)])
    urls: tuple[str, ...] = ()
    annotations: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    artifact_type: str | None = None
    platform: Mapping[str, object] | None = attrs.field(default=None, hash=False)

    @classmethod
    def from_json(cls, value: object, *, where: str) -> Descriptor:
        """The descriptor that stands at ``where`` in a manifest.

        Raises ManifestInvalid, which names ``where``.
        """
        fields = as_object(value, where)
        return cls(
            media_type=text_field(fields, "mediaType", where),
            digest=_digest(fields, where),
            size=_size(fields, where),
            urls=texts_field(fields, "urls", where),
            annotations=annotations_field(fields, where),
            artifact_type=text_field(fields, "artifactType", where) or None,
            platform=_platform(fields, where),
        )

    def to_json(self) -> dict[str, object]:
        """As it stands in an index: the specification's order, no empty fields."""
        optional: dict[str, object] = {
            "urls": list(self.urls),
            "annotations": dict(self.annotations),
            "platform": dict(self.platform or {}),
            "artifactType": self.artifact_type,
        }
        fields: dict[str, object] = {
            "mediaType": self.media_type,
            "digest": str(self.digest),
            "size": self.size,
        }
        return fields | {key: value for key, value in optional.items() if value}


def _digest(fields: Mapping[str, object], where: str) -> Digest:
    text = text_field(fields, "digest", where)
    try:
        return Digest.parse(text)
    except DigestInvalid as error:
        raise ManifestInvalid(
            f"{where}.digest is invalid: {error.message}", detail=text[:200]
        ) from None


def _size(fields: Mapping[str, object], where: str) -> int:
    size = fields.get("size")
    if type(size) is not int or not 0 <= size <= SIZE_LIMIT:
        raise ManifestInvalid(
            f"{where}.size has to be the length of the content in bytes, a whole number"
        )
    return size


def _platform(fields: Mapping[str, object], where: str) -> dict[str, object] | None:
    value = fields.get("platform")
    if value is None:
        return None
    place = f"{where}.platform"
    platform = as_object(value, place)
    text_field(platform, "os", place)
    text_field(platform, "architecture", place)
    return platform
