"""A digest: the name of content, made from the content.

Spec: image-spec descriptor, Digests. sha256 is canonical: content is stored under its
sha256 whatever digest a client used, so every other algorithm is an alias of that.
"""

from __future__ import annotations

import hashlib
import re
from typing import Protocol

import attrs

from registry.core.errors import DigestInvalid

CANONICAL = "sha256"
HEX_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
"""Supported algorithms and the length of their lower-case hexadecimal form."""

_HEX = re.compile(r"[a-f0-9]+")


class Hasher(Protocol):
    """What ``hashlib`` gives: fed bytes, it ends in a hexadecimal digest."""

    def update(self, data: bytes, /) -> None:
        """Take in more content; safe to call in a worker thread."""

    def hexdigest(self) -> str:
        """The digest of all content so far, without the algorithm."""


@attrs.frozen(order=True)
class Digest:
    """A valid digest of a supported algorithm; an invalid one cannot exist."""

    algorithm: str
    hex: str

    def __attrs_post_init__(self) -> None:
        expected = HEX_LENGTHS.get(self.algorithm)
        if expected is None:
            known = ", ".join(HEX_LENGTHS)
            raise DigestInvalid(
                f"digest algorithm {self.algorithm[:40]!r} is not supported;"
                f" use {known}"
            )
        if len(self.hex) != expected or not _HEX.fullmatch(self.hex):
            raise DigestInvalid(
                f"a {self.algorithm} digest has {expected} lower-case hexadecimal"
                f" digits after the colon"
            )

    @classmethod
    def parse(cls, text: str) -> Digest:
        """The digest that ``text`` spells. Raises DigestInvalid."""
        algorithm, colon, encoded = text.partition(":")
        if not colon:
            raise DigestInvalid("a digest looks like sha256:<64 hexadecimal digits>")
        return cls(algorithm, encoded)

    @classmethod
    def of(cls, content: bytes, algorithm: str = CANONICAL) -> Digest:
        """The digest of ``content``. Raises DigestInvalid for an unknown algorithm."""
        hasher = new_hasher(algorithm)
        hasher.update(content)
        return cls(algorithm, hasher.hexdigest())

    @property
    def is_canonical(self) -> bool:
        """Whether content is stored under this digest itself."""
        return self.algorithm == CANONICAL

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def new_hasher(algorithm: str = CANONICAL) -> Hasher:
    """A hasher of a supported algorithm. Raises DigestInvalid for any other."""
    if algorithm not in HEX_LENGTHS:
        known = ", ".join(HEX_LENGTHS)
        raise DigestInvalid(
            f"digest algorithm {algorithm[:40]!r} is not supported; use {known}"
        )
    return hashlib.new(algorithm, usedforsecurity=False)
