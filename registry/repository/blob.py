"""A blob that a repository holds, as a value."""

from __future__ import annotations

import attrs

from registry.core.digest import Digest
from registry.core.errors import BlobUnknown


@attrs.frozen
class Blob:
    """A blob that a repository holds: ``size`` bytes.

    ``digest`` is the one asked for, ``stored`` the sha256 that the bytes are under.
    """

    digest: Digest
    stored: Digest
    size: int


def content_missing(digest: Digest) -> BlobUnknown:
    """What is said about a blob whose link is there and whose bytes are not."""
    return BlobUnknown(
        "the repository has a link to the blob, but the bytes are missing from storage;"
        " push the blob again",
        detail=str(digest),
    )
