"""Media types: what a manifest is called, and whether a client takes it.

Spec: image-spec media-types; RFC 9110 8.3.1 and 12.5.1.
"""

from __future__ import annotations

import re

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
"""Docker schema 1: never accepted, but old trees hold it."""
OCTET_STREAM = "application/octet-stream"

MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_LIST})

_NAME = r"[A-Za-z0-9!#$&^_.+-]+"
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}")
_REFUSED = re.compile(r";\s*q\s*=\s*0(?:\.0*)?\s*(?:;|$)", re.IGNORECASE)


def essence(value: str) -> str:
    """``value`` without its parameters, in lower case. RFC 9110 8.3.1."""
    return value.partition(";")[0].strip().lower()


def is_media_type(value: str) -> bool:
    """Whether ``value`` can stand in a header as it is. RFC 6838 4.2."""
    return _MEDIA_TYPE.fullmatch(value) is not None


def accepts(accept: str | None, media_type: str) -> bool:
    """Whether a client that sent ``accept`` takes ``media_type``.

    ``accept`` is all Accept lines joined with a comma. None of them, or an empty one,
    takes anything. The most specific range decides and ``q=0`` refuses; other weights
    do not matter, for there is one representation only. RFC 9110 12.5.1.
    """
    if not accept or not accept.strip(" \t,"):
        return True
    ranks = {"*/*": 1, media_type.partition("/")[0] + "/*": 2, media_type: 3}
    best, accepted = 0, False
    for part in accept.split(","):
        rank = ranks.get(essence(part), 0)
        if rank >= max(best, 1):
            taken = ";" not in part or not _REFUSED.search(part)
            accepted = taken or (accepted and rank == best)
            best = rank
    return accepted
