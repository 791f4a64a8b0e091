"""Names in a tree, as what they name; None for one that names nothing."""

from __future__ import annotations

from registry.core.digest import Digest
from registry.core.errors import DigestInvalid, NameInvalid, TagInvalid
from registry.core.name import RepositoryName, Tag


def digest_or_none(algorithm: str, text: str) -> Digest | None:
    """The digest that a directory below that of its algorithm is named after."""
    try:
        return Digest(algorithm, text)
    except DigestInvalid:
        return None


def tag_or_none(text: str) -> Tag | None:
    """The tag that a directory is."""
    try:
        return Tag(text)
    except TagInvalid:
        return None


def name_or_none(path: str) -> RepositoryName | None:
    """The name of the repository at ``path``."""
    try:
        return RepositoryName(path)
    except NameInvalid:
        return None
