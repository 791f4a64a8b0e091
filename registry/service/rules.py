"""What a configuration demands of the references in manifests."""

from __future__ import annotations

import re

from registry.config.validation import Validation
from registry.core.rules import Platforms, ReferenceRules


def reference_rules(validation: Validation) -> ReferenceRules:
    """The rules of ``validation``.

    As in Distribution, ``disabled`` stops the checks of URLs and of the children of
    indexes, but not that layers exist; ``references: optional`` stops all of them.
    """
    manifests = validation.manifests
    required = manifests.references == "required"
    depth = manifests.indexes.depthlimit
    if validation.disabled:
        return ReferenceRules(platforms="none", required=required, index_depth=depth)
    return ReferenceRules(
        urls_allow=tuple(re.compile(text) for text in manifests.urls.allow),
        urls_deny=tuple(re.compile(text) for text in manifests.urls.deny),
        platforms=_platforms(validation),
        required=required,
        index_depth=depth,
    )


def _platforms(validation: Validation) -> Platforms:
    indexes = validation.manifests.indexes
    if indexes.platforms != "list":
        return indexes.platforms
    return frozenset((one.os, one.architecture) for one in indexes.platformlist)
