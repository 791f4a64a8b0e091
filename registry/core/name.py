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

TAG_LIMIT = 128
"""Characters of a tag."""

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(rf"[a-zA-Z0-9_][a-zA-Z0-9._-]{{0,{TAG_LIMIT - 1}}}")


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


@attrs.frozen(kw_only=True)
class NameLimits:
    """Characters of the longest names that are pushed. What is here stays readable."""

    name: int = NAME_LIMIT
    tag: int = TAG_LIMIT

    def check_name(self, name: RepositoryName) -> None:
        """Raises NameInvalid."""
        if len(name.text) > self.name:
            raise NameInvalid(
                f"a repository name has at most {self.name} characters here"
            )

    def check_tag(self, tag: Tag) -> None:
        """Raises TagInvalid."""
        if len(tag.text) > self.tag:
            raise TagInvalid(f"a tag has at most {self.tag} characters here")


ANY_NAME = NameLimits()
"""No other bounds than those of the grammar."""
