"""Directories that survive a power cut.

A file is only as durable as the names of all the directories above it. Making a
directory and syncing its parent are two steps, and between them another push may find
the directory, write into it and be acknowledged. So it is not enough to sync what one
has made: whoever writes into a directory that is not yet known to be durable syncs its
name too. Known means synced by this process; the first write after a start pays once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from registry.storage.disk import Disk
from registry.storage.driver import Absent, StorageFailure

KNOWN_LIMIT = 16_384
"""Paths remembered; when there are more, all are forgotten and synced again on use."""


class Directories:
    """Makes directories at and below ``root``; called in workers, many at a time.

    Without ``makes_root`` a root that is gone stays gone, and writing raises Absent.
    Single operations on a set are atomic, so there is no lock. ``forget`` comes before
    a directory is removed: a writer that settles a directory before and after its write
    then cannot miss that it was removed and made anew in between.
    """

    def __init__(
        self,
        *,
        disk: Disk,
        root: str,
        limit: int = KNOWN_LIMIT,
        makes_root: bool = True,
    ) -> None:
        self._disk = disk
        self._root = root
        self._limit = limit
        self._makes_root = makes_root
        self._known: set[str] = set()
        self._owed: set[str] = set()
        self._is_begun = False

    def make(self, path: str) -> None:
        """Make the directory and those above it; a power cut may undo it."""
        if path in self._known:
            return
        try:
            self._mkdir(path)
        except Absent:
            if path == self._root and not self._makes_root:
                raise
            self.make(_parent(path))
            self._mkdir(path)

    def settle(self, path: str) -> None:
        """Make the directory and those above it, and make their names durable.

        The root is trusted if it exists: what is above it is not ours to read.
        """
        if path in self._known:
            return
        if path == self._root:
            self._settle_root(path)
        else:
            self.settle(_parent(path))
            self._disk.mkdir(path)
            self.sync(_parent(path))
        self.settled([path])

    def sync(self, path: str) -> None:
        """Make the names in a directory durable; it is owed if that fails."""
        try:
            self._disk.fsync_directory(path)
        except StorageFailure:
            self._owed.add(path)
            raise

    def owe(self, paths: Iterable[str]) -> None:
        """Say that names in these have changed, and that what followed has failed.

        Everybody sees the change, and a power cut may undo it.
        """
        for path in paths:
            self._owed.update([path, *map(_parent, self.unsettled(path))])

    def pay(self) -> None:
        """Sync what is owed, before anything that might rest on it is promised.

        At first that is everything: a process that was killed leaves behind what
        everybody sees and the disk may not have yet.
        """
        if not self._is_begun:
            with suppress(Absent):
                self._disk.sync_tree(self._root)
            self._is_begun = True
        for path in tuple(self._owed):
            self._owed.discard(path)
            with suppress(Absent):
                self.sync(path)

    def unsettled(self, path: str) -> list[str]:
        """The directory and those above it whose names may not survive a power cut."""
        found = []
        while path not in self._known and len(path) > len(self._root):
            found.append(path)
            path = _parent(path)
        return found

    def settled(self, paths: Iterable[str]) -> None:
        """Say that the names of these directories have been made durable."""
        if len(self._known) >= self._limit:
            self._known.clear()
        self._known.update(paths)

    def forget(self, path: str) -> None:
        """Say that the directory is about to be removed."""
        self._known.discard(path)

    def forget_all(self) -> None:
        """Trust nothing: somebody else has removed directories."""
        self._known.clear()

    def _settle_root(self, path: str) -> None:
        try:
            made = self._mkdir(path)
        except Absent:
            if not self._makes_root:
                raise
            self._settle_root(_parent(path))
            made = self._mkdir(path)
        if made:
            self._disk.fsync_directory(_parent(path))

    def _mkdir(self, path: str) -> bool:
        """Make one directory; but never a root that was there and is gone."""
        if path != self._root or self._makes_root:
            return self._disk.mkdir(path)
        self._disk.call("look at", path, os.stat, path)
        return False


def _parent(path: str) -> str:
    return os.path.dirname(path)
