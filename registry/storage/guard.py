"""The guard of a root: whether it is still the one that was opened.

A disk that is unmounted leaves an empty directory behind, and a directory that was
moved away can be made anew by the next write. Both look like an empty store: content
would read as absent, and pushes would go where nobody finds them again. So before every
write, and after everything, the lock file that this process holds open is compared with
the one at its path: one system call. While the process runs, that is certain.
"""

from __future__ import annotations

import os

from registry.storage.disk import Disk
from registry.storage.driver import Absent, StorageGone
from registry.storage.lock import HeldRoot


class RootGuard:
    """Knows the root that was held; call it in a worker."""

    def __init__(self, *, disk: Disk, held: HeldRoot) -> None:
        self._disk = disk
        self._path = held.path
        self._root = os.path.dirname(os.path.dirname(held.path))
        self._identity = held.identity

    def __call__(self) -> None:
        """Look whether the root is the same. Raises StorageGone, or StorageFailure."""
        try:
            found = self._disk.call("look at", self._path, os.stat, self._path)
        except Absent:
            raise self._gone("is empty or gone") from None
        if (found.st_dev, found.st_ino) != self._identity:
            raise self._gone("is another one now")

    def _gone(self, what: str) -> StorageGone:
        return StorageGone(
            f"the storage root {self._root} {what}: {self._path} is not the file that"
            " this process holds; put the old root back, or mount it and restart the"
            " registry. Nothing is written until then"
        )
