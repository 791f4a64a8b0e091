"""Options of ``validation``."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import attrs

from registry.config.kinds import Kind, Line, Ours, Positive, integer, size
from registry.core.name import NAME_LIMIT, TAG_LIMIT


def _regular_expression(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression ({error})") from None
    return text


RegularExpression = Annotated[str, Kind("regular expression", _regular_expression)]


@attrs.frozen(kw_only=True)
class URLs:
    """Which URLs a manifest may name for content that is fetched from elsewhere.

    Others than `http` and `https` URLs without a fragment are refused in any case.
    """

    allow: tuple[RegularExpression, ...] = ()
    """A URL has to match one of these somewhere; without any, `http` and `https` URLs
    are accepted."""
    deny: tuple[RegularExpression, ...] = ()
    """A URL that matches one of these is refused."""


@attrs.frozen(kw_only=True)
class Platform:
    """A platform whose manifest has to be here."""

    architecture: Line
    """Such as `amd64`."""
    os: Line
    """Such as `linux`."""


@attrs.frozen(kw_only=True)
class Indexes:
    """Which manifests that an index names have to be here before the index."""

    platforms: Literal["all", "none", "list"] = "all"
    """All of them, none, or those of the platforms in `platformlist`."""
    platformlist: tuple[Platform, ...] = ()
    """The platforms, with `platforms: list`."""
    depthlimit: Annotated[Positive, Ours] = 8
    """How many indexes may lie inside each other; deeper ones are answered 400."""


@attrs.frozen(kw_only=True)
class Manifests:
    """What a manifest has to fulfil."""

    sizelimit: Annotated[int, Ours, size(at_least=1)] = 4 * 2**20
    """The largest manifest that is accepted; larger ones are answered 413."""
    depthlimit: Annotated[int, Ours, integer(at_least=4, at_most=500)] = 100
    """How many JSON objects and arrays may lie inside each other in a manifest; with \
more it is answered 400."""
    references: Annotated[Literal["required", "optional"], Ours] = "required"
    """Whether the blobs that a manifest names have to be in the repository already."""
    urls: URLs = attrs.field(factory=URLs)
    """URLs in manifests."""
    indexes: Indexes = attrs.field(factory=Indexes)
    """Manifests in indexes."""


@attrs.frozen(kw_only=True)
class Validation:
    """What is checked when a manifest is pushed."""

    disabled: bool = False
    """Whether URLs and the manifests of indexes are left unchecked."""
    namelimit: Annotated[int, Ours, integer(at_least=1, at_most=NAME_LIMIT)] = (
        NAME_LIMIT
    )
    """The longest name of a repository that is pushed to; longer ones are answered \
400."""
    taglimit: Annotated[int, Ours, integer(at_least=1, at_most=TAG_LIMIT)] = TAG_LIMIT
    """The longest tag that is pushed; longer ones are answered 400."""
    manifests: Manifests = attrs.field(factory=Manifests)
    """Manifests."""
