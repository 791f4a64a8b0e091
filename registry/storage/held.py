"""Open content that is in memory anyway."""

from __future__ import annotations

from registry.storage.driver import StorageFailure


class HeldContent:
    """Content that is in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self._content)

    @property
    def held(self) -> bytes | None:
        """All of it."""
        return self._content

    def fileno(self) -> int | None:
        """None: ``sendfile`` cannot read it."""
        return None

    async def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``; raises StorageFailure if short."""
        if offset + length > len(self._content):
            raise StorageFailure(
                f"content of {len(self._content)} bytes has no {length} bytes at"
                f" {offset}; ask for less"
            )
        return self._content[offset : offset + length]

    def close(self) -> None:
        """Nothing to release."""
