"""A referrer: a manifest that names another as its subject.

Spec: distribution end-12a.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from registry.core.descriptor import Descriptor
from registry.core.digest import Digest
from registry.core.manifest import Manifest
from registry.core.mediatype import OCI_INDEX


def referrer_descriptor(manifest: Manifest, digest: Digest) -> Descriptor:
    """How ``manifest``, stored under ``digest``, is listed among referrers.

    An image manifest without ``artifactType`` is known by its config's media type; an
    index without one has none.
    """
    artifact_type = manifest.artifact_type
    if artifact_type is None and manifest.config is not None:
        artifact_type = manifest.config.media_type or None
    return Descriptor(
        media_type=manifest.media_type,
        digest=digest,
        size=len(manifest.body),
        annotations=manifest.annotations,
        artifact_type=artifact_type,
    )


def referrers_index(descriptors: Sequence[Descriptor]) -> bytes:
    """The image index that answers a request for referrers, in the given order."""
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [descriptor.to_json() for descriptor in descriptors],
    }
    return json.dumps(index, separators=(",", ":")).encode("ascii")
