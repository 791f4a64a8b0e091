"""Damage: what stands in the storage and is not what its place says.

It is trouble, never absence. Most of it is mended by a push of the same content.
"""

from __future__ import annotations

from registry.core.digest import Digest
from registry.storage.driver import StorageFailure
from registry.storage.layout import blob_data


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


class ContentDamaged(Damaged):
    """The bytes of ``digest``, a sha256, are others."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(
            f"{blob_data(digest)} is damaged: its bytes have another digest; push"
            f" {digest} again, which mends it, or restore the file from a backup",
            what=str(digest),
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
