"""Options of ``middleware``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import attrs

from registry.config.kinds import Hidden, Line


@attrs.frozen(kw_only=True)
class Layer:
    """Something put between the registry and what is below it."""

    name: Line
    """What it is: `cloudfront`, `redirect` or `rewrite` for the storage."""
    disabled: bool = False
    """Whether to leave it out. Distribution does not look at this."""
    options: Annotated[Mapping[str, object], Hidden] = attrs.field(
        factory=dict, repr=False
    )
    """Its own options."""


@attrs.frozen(kw_only=True)
class Middleware:
    """Things put between the parts of the registry, the first one outermost."""

    registry: tuple[Layer, ...] = ()
    """Before the registry."""
    repository: tuple[Layer, ...] = ()
    """Before each repository."""
    storage: tuple[Layer, ...] = ()
    """Before the storage."""
