"""Manifests as clients write them, before a registry has looked at them."""

from __future__ import annotations

import json
from typing import Any

from registry.core import mediatype
from registry.core.digest import Digest
from registry.core.manifest import Manifest, parse_manifest

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def described(
    content: bytes = b"content",
    media_type: str = OCI_LAYER,
    algorithm: str = "sha256",
    **fields: Any,
) -> dict[str, Any]:
    """A descriptor of ``content`` with whatever other fields."""
    return {
        "mediaType": media_type,
        "digest": str(Digest.of(content, algorithm)),
        "size": len(content),
        **fields,
    }


def image(**fields: Any) -> dict[str, Any]:
    """An OCI image manifest of one layer; ``fields`` replace or add."""
    return {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_MANIFEST,
        "config": described(b"config", OCI_CONFIG),
        "layers": [described(b"layer")],
        **fields,
    }


def index(*children: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An OCI index of ``children``; ``fields`` replace or add."""
    return {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_INDEX,
        "manifests": list(children),
        **fields,
    }


def child(content: bytes = b"manifest", **fields: Any) -> dict[str, Any]:
    """A descriptor of an OCI image manifest."""
    return described(content, mediatype.OCI_MANIFEST, **fields)


def written(draft: object) -> bytes:
    """The bytes that a client sends."""
    return json.dumps(draft).encode()


def parsed(draft: dict[str, Any], content_type: str | None = None) -> Manifest:
    """The manifest that ``draft`` is, pushed under its own media type."""
    return parse_manifest(written(draft), content_type)
