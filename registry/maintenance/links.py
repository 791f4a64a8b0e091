"""Links as a look at the tree reads them: blocking, and without an opinion."""

from __future__ import annotations

from registry.core.digest import Digest
from registry.core.errors import DigestInvalid
from registry.storage.survey import Survey

LINK_LIMIT = 200
"""Bytes of a link that are read; no whole one has more."""


def content_of(survey: Survey, path: str) -> Digest | None:
    """The digest in a link, None if it holds none. Raises Absent. Blocks."""
    content = survey.read(path, LINK_LIMIT)
    try:
        return Digest.parse(content.decode("ascii"))
    except (UnicodeDecodeError, DigestInvalid):
        return None


def target_of(survey: Survey, path: str, named: Digest) -> Digest | None:
    """The sha256 that the link of ``named`` leads to, None if it is torn.

    Raises Absent. Blocks.
    """
    target = content_of(survey, path)
    if target is None or not target.is_canonical:
        return None
    return None if named.is_canonical and target != named else target
