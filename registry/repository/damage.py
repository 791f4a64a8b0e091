"""Damage: what stands in the storage and is not what its place says.

A damaged link is trouble, never absence; a push of what it names mends it. Damaged
content is set aside and then absent: see ``contents.py``.
"""

from __future__ import annotations

from registry.storage.driver import StorageFailure


class Damaged(StorageFailure):
    """The message is for the operator and names files; ``told`` is for the client.

    ``what`` is damaged: a digest or a tag, as a client knows it.
    """

    def __init__(self, message: str, *, what: str) -> None:
        super().__init__(message)
        self.what = what

    @property
    def told(self) -> str:
        """What a client may know, and what to do."""
        return (
            f"{self.what} is damaged in the registry's storage; push it again, or ask"
            f" the registry's operator to restore it"
        )


class LinkCorrupt(Damaged):
    """A link file that does not hold what a link at its path must hold."""

    def __init__(self, path: str, *, what: str) -> None:
        super().__init__(
            f"the link file {path} is corrupt: it does not hold a digest that fits its"
            f" place; push or delete what it names, or restore it from a backup",
            what=what,
        )
        self.path = path
