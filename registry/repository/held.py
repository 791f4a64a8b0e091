"""Small content that stays in memory."""

from __future__ import annotations

import attrs

from registry.storage.driver import StorageFailure


@attrs.frozen
class Held:
    """Content in memory, shared by all who read it at one time."""

    held: bytes

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.held)

    def fileno(self) -> int | None:
        """There is no file behind it."""
        return None

    async def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``; raises StorageFailure if short."""
        if offset + length > len(self.held):
            raise StorageFailure(
                f"asked for {length} bytes at {offset} of {len(self.held)}"
            )
        return self.held[offset : offset + length]

    def close(self) -> None:
        """Nothing to release."""
