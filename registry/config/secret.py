"""A value that is never shown."""

from __future__ import annotations

import re

import attrs

MASK = "(hidden)"

_SECRET_NAME = re.compile(
    r"passw|secret|token|credential|authorization|cookie|private.?key|_state"
    r"|signature|api.?key",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Whether a field, header or parameter of this name should not be shown."""
    return _SECRET_NAME.search(name) is not None


@attrs.frozen
class Secret:
    """A password or key. Its repr hides it, so that no log line can hold it.

    ``reveal`` is the one way to its text.
    """

    _text: str = attrs.field(repr=False)

    def reveal(self) -> str:
        """The secret itself."""
        return self._text
