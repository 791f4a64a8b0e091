"""What to tell about a key that is not an option."""

from __future__ import annotations

import difflib

from registry.config.shape import Section

REMOVED = {
    "storage.oss": "the driver was removed from Distribution; move the content to s3",
    "storage.swift": "the driver was removed from Distribution; move the content to s3",
}
"""Keys that older versions had and nothing replaces."""

_LONGEST = 80
"""Characters of a key that are worth comparing."""


def unknown(name: str, section: Section, path: tuple[str, ...]) -> str:
    """The message for ``name``, which the section at ``path`` does not have."""
    removed = REMOVED.get(".".join((*path, name)))
    if removed is not None:
        return removed
    close = difflib.get_close_matches(name.lower()[:_LONGEST], section.options, 1)
    if close:
        return f"is not an option; did you mean {close[0]}?"
    if not section.options:
        return "is not an option; there are none here"
    return f"is not an option; there are: {', '.join(section.options)}"
