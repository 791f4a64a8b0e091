"""Known contents: which there are, in nine bytes each.

A store may have a million. Eight bytes of each sha256 tell them apart (that two of a
million share them has a chance of one in thirty million, and would change a count by
one); one byte says whether a repository holds it. Damage is remembered in full.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

from registry.core.digest import Digest
from registry.storage.survey import Seen


class KnownContents:
    """Contents, added in the order of their digests, then looked up."""

    def __init__(self) -> None:
        self._keys = array("Q")
        self._held = bytearray()
        self._damaged: dict[Digest, Seen] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, stored: Digest) -> None:
        """There is this content. One that comes out of order is put in its place."""
        key = _key(stored)
        if self._keys and key <= self._keys[-1]:
            position = bisect_left(self._keys, key)
            if self._keys[position] == key:
                return
            self._keys.insert(position, key)
            self._held.insert(position, 0)
            return
        self._keys.append(key)
        self._held.append(0)

    def hold(self, stored: Digest) -> None:
        """A repository holds it. Unknown content is left out."""
        position = self._position(stored)
        if position is not None:
            self._held[position] = 1

    def condemn(self, stored: Digest, seen: Seen) -> None:
        """The file ``seen`` in its place is damaged."""
        self._damaged[stored] = seen

    def is_good(self, stored: Digest, seen: Seen | None) -> bool:
        """Whether ``seen``, in its place, is a file that was not found damaged.

        A push may have replaced one that was. May be asked in any thread.
        """
        if seen is None or seen.kind != "file":
            return False
        return self._damaged.get(stored) != seen

    @property
    def unheld(self) -> int:
        """How many no repository holds: garbage, to be collected."""
        return self._held.count(0)

    def _position(self, stored: Digest) -> int | None:
        key = _key(stored)
        position = bisect_left(self._keys, key)
        is_there = position < len(self._keys) and self._keys[position] == key
        return position if is_there else None


def _key(stored: Digest) -> int:
    return int(stored.hex[:16], 16)
