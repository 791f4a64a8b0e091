"""A value that is never shown."""

from __future__ import annotations

import attrs

MASK = "(hidden)"


@attrs.frozen
class Secret:
    """A password or key. Its repr hides it, so that no log line can hold it.

    ``reveal`` is the one way to its text.
    """

    _text: str = attrs.field(repr=False)

    def reveal(self) -> str:
        """The secret itself."""
        return self._text
