"""Images for tests, made from nothing: valid for every client, and always the same.

An image has one layer, a gzipped tar with one file whose text is the seed, so that
another seed gives another image and the same seed the same bytes on every machine.

Spec: image-spec manifest, image-index, image-layout.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from registry.core.digest import Digest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"


@attrs.frozen
class Manifest:
    """A manifest, the blobs it needs, and the manifests it lists."""

    media_type: str
    content: bytes
    blobs: Sequence[bytes] = ()
    children: Sequence[Manifest] = ()
    platform: Mapping[str, str] | None = None

    @property
    def digest(self) -> Digest:
        """The canonical digest of the manifest."""
        return Digest.of(self.content)

    @property
    def descriptor(self) -> dict[str, Any]:
        """What an index or a referrer says of it."""
        described = descriptor(self.media_type, self.content)
        return described | ({"platform": self.platform} if self.platform else {})

    def blobs_by_digest(self) -> dict[Digest, bytes]:
        """Its own blobs: config and layers."""
        return {Digest.of(blob): blob for blob in self.blobs}

    def contents(self) -> dict[Digest, bytes]:
        """All that a registry keeps for it, by digest."""
        found = self.blobs_by_digest() | {self.digest: self.content}
        for child in self.children:
            found |= child.contents()
        return found


def image(
    seed: str, *, architecture: str = "amd64", padding: int = 0, **fields: object
) -> Manifest:
    """An image for Linux; ``fields`` are added to its manifest.

    ``padding`` is how many bytes, which do not compress, its layer has beside the seed.
    """
    noise = random.Random(seed).randbytes(padding)  # noqa: S311 - the same every time
    archive = _archive("seed", seed.encode() + noise)
    layer = gzip.compress(archive, mtime=0)
    platform = {"architecture": architecture, "os": "linux"}
    root = {"type": "layers", "diff_ids": [str(Digest.of(archive))]}
    config = to_json(platform | {"config": {"Cmd": ["/seed"]}, "rootfs": root})
    content = to_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, config),
            "layers": [descriptor(LAYER, layer)],
        }
        | fields
    )
    return Manifest(MANIFEST, content, (config, layer), platform=platform)


def index(children: Sequence[Manifest], **fields: object) -> Manifest:
    """An index of ``children``; ``fields`` are added to it."""
    listed = [child.descriptor for child in children]
    document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}
    return Manifest(INDEX, to_json(document | fields), children=children)


def platforms(seed: str) -> Manifest:
    """A multi-architecture image: one index, two images."""
    return index(
        [image(seed, architecture=architecture) for architecture in ("amd64", "arm64")]
    )


def artifact(artifact_type: str, content: bytes, *, subject: Manifest) -> Manifest:
    """Something said about ``subject``, such as a signature: a referrer.

    Spec: image-spec manifest, Guidelines for Artifact Usage.
    """
    empty = b"{}"
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": artifact_type,
        "config": descriptor(EMPTY, empty),
        "layers": [descriptor(artifact_type, content)],
        "subject": descriptor(subject.media_type, subject.content),
    }
    return Manifest(MANIFEST, to_json(document), (empty, content))


def write_layout(directory: str, tagged: Mapping[str, Manifest]) -> None:
    """Write an OCI image layout that holds ``tagged``, for clients to push from."""
    blobs = os.path.join(directory, "blobs", "sha256")
    os.makedirs(blobs)
    _write(os.path.join(directory, "oci-layout"), b'{"imageLayoutVersion":"1.0.0"}')
    for manifest in tagged.values():
        for digest, content in manifest.contents().items():
            _write(os.path.join(blobs, digest.hex), content)
    listed = [
        entry.descriptor | {"annotations": {"org.opencontainers.image.ref.name": tag}}
        for tag, entry in tagged.items()
    ]
    top = to_json({"schemaVersion": 2, "manifests": listed})
    _write(os.path.join(directory, "index.json"), top)


def descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    """The descriptor of ``content``, by its canonical digest."""
    digest = str(Digest.of(content))
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def to_json(document: object) -> bytes:
    """``document`` as bytes that are the same every time."""
    return json.dumps(document, separators=(",", ":")).encode()


def _archive(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
