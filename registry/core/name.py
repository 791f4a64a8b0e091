"""Names: repositories and tags.

Spec: distribution, Pulling manifests (``<name>`` and ``<tag-or-digest>``).
"""

from __future__ import annotations

import re

import attrs

from registry.core.digest import Digest
from registry.core.errors import NameInvalid, TagInvalid

NAME_LIMIT = 255
"""Characters of a repository name; more than that no client can address."""

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


@attrs.frozen(order=True)
class RepositoryName:
    """The name of a repository; an invalid one cannot exist."""

    text: str

    def __attrs_post_init__(self) -> None:
        if len(self.text) > NAME_LIMIT:
            raise NameInvalid(
                f"a repository name has at most {NAME_LIMIT} characters, this one has"
                f" {len(self.text)}"
            )
        if not _NAME.fullmatch(self.text):
            raise NameInvalid(
                "a repository name has lower-case letters and digits, separated by"
                " one of . _ __ or dashes, in components joined by /"
            )

    def __str__(self) -> str:
        return self.text


@attrs.frozen(order=True)
class Tag:
    """A movable name of a manifest; an invalid one cannot exist."""

    text: str

    def __attrs_post_init__(self) -> None:
        if not _TAG.fullmatch(self.text):
            raise TagInvalid(
                "a tag has up to 128 letters, digits, _ . and -, and does not start"
                " with . or -"
            )

    def __str__(self) -> str:
        return self.text


Reference = Tag | Digest
"""What stands behind ``/manifests/``: a tag or a digest."""


def parse_reference(text: str) -> Reference:
    """The tag or digest that ``text`` spells.

    A colon is in every digest and in no tag. Raises DigestInvalid or TagInvalid.
    """
    return Digest.parse(text) if ":" in text else Tag(text)
