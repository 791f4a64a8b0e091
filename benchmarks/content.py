"""What the servers hold: the same bytes in every run."""

from __future__ import annotations

import functools
import json
import random

import attrs

from benchmarks.tree import Tree
from registry.core.digest import Digest

KIB = 1 << 10
MIB = 1 << 20

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"

REPOSITORY = "team/application"
TAG = "v1.0"
MANY_TAGS = [f"build-{number:03}" for number in range(500)]
LAYERS_PER_IMAGE = 6


@attrs.frozen
class Target:
    """Something to GET, and what its body must be."""

    path: str
    digest: Digest
    size: int


def blob(size: int) -> bytes:
    """The blob of that many bytes; it does not compress."""
    return random.Random(size).randbytes(size)


@functools.cache
def blob_target(size: int) -> Target:
    """Where the blob of that many bytes is."""
    digest = Digest.of(blob(size))
    return Target(f"/v2/{REPOSITORY}/blobs/{digest}", digest, size)


@functools.cache
def manifest_target(tag: str = TAG) -> Target:
    """Where the manifest behind a tag is."""
    content = manifest(tag)
    path = f"/v2/{REPOSITORY}/manifests/{tag}"
    return Target(path, Digest.of(content), len(content))


def manifest(tag: str) -> bytes:
    """An image manifest of six layers; the tag in its annotation makes it unique."""
    config, *layers = [blob(KIB + number) for number in range(LAYERS_PER_IMAGE + 1)]
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _descriptor(CONFIG_TYPE, config),
        "layers": [_descriptor(LAYER_TYPE, layer) for layer in layers],
        "annotations": {"org.opencontainers.image.version": tag},
    }
    return json.dumps(document, indent=2).encode()


def _descriptor(media_type: str, content: bytes) -> dict[str, str | int]:
    return {
        "mediaType": media_type,
        "digest": str(Digest.of(content)),
        "size": len(content),
    }


def draw_images(tree: Tree, sizes: list[int]) -> None:
    """One repository with a blob of each size and 501 tagged manifests."""
    layers = [KIB + number for number in range(LAYERS_PER_IMAGE + 1)]
    for size in {*layers, *sizes}:
        content = blob(size)
        tree.blob(REPOSITORY, Digest.of(content), content)
    for tag in [TAG, *MANY_TAGS]:
        content = manifest(tag)
        tree.manifest(REPOSITORY, tag, Digest.of(content), content)


def draw_repositories(tree: Tree, *, repositories: int, tags: int) -> None:
    """Many repositories that hold one image, each with so many tags."""
    layer, image = blob(KIB), manifest(TAG)
    layer_digest, image_digest = Digest.of(layer), Digest.of(image)
    for number in range(repositories):
        name = f"team-{number % 20:02}/application-{number:05}"
        tree.blob(name, layer_digest, layer)
        for tag in range(tags):
            tree.manifest(name, f"build-{tag:05}", image_digest, image)


MANY_TAGS_REPOSITORY = "team-00/application-00000"
"""The first of the repositories that ``draw_repositories`` draws."""


def draw_tags(tree: Tree, tags: int) -> None:
    """Very many tags of one image, in that repository."""
    image = manifest(TAG)
    for tag in range(tags):
        tree.manifest(MANY_TAGS_REPOSITORY, f"build-{tag:05}", Digest.of(image), image)
