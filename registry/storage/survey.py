"""A look at the tree as it is, with what a registry itself never sees.

The driver hides leftovers, knows no times, and answers for one path. Who looks for
damage needs all of it: every name, what kind of thing it is, how long, and when it was
last touched. Links are followed, as serving follows them, and marked.

All methods block, and change nothing. Nothing here is held against later changes: a
server may write at the same time.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Literal

import attrs

from registry.storage.disk import Disk
from registry.storage.driver import Absent, StorageFailure

Kind = Literal["file", "directory", "other"]


@attrs.frozen
class Seen:
    """Something in a directory, or what a link there leads to."""

    name: str
    kind: Kind
    is_link: bool
    size: int
    """Length in bytes, of a file."""

    changed: float
    """When its bytes, its name or its mode last changed, in seconds of the epoch."""

    identity: tuple[int, int]
    """What it has in common with nothing but other names of the same thing."""


class Survey:
    """Looks below ``root``."""

    def __init__(self, *, disk: Disk, root: str) -> None:
        self._disk = disk
        self._root = os.path.abspath(root)

    def children(self, path: str) -> list[Seen]:
        """What is in a directory, sorted by name.

        What vanishes meanwhile is left out. Raises Absent, StorageFailure.
        """
        place = self._absolute(path)
        names = self._disk.call("list", place, os.listdir, place)
        found = [self._seen(f"{place}/{name}", name) for name in sorted(names)]
        return [seen for seen in found if seen is not None]

    def look(self, path: str) -> Seen | None:
        """What is at ``path``, if anything. Raises StorageFailure."""
        return self._seen(self._absolute(path), path.rpartition("/")[2])

    def read(self, path: str, limit: int) -> bytes:
        """At most ``limit`` bytes of a file. Raises Absent, StorageFailure."""
        place = self._absolute(path)
        fd, size = self._disk.open(place)
        try:
            content = b""
            while len(content) < min(size, limit):
                wanted = min(size, limit) - len(content)
                piece = self._disk.read(fd, place, len(content), wanted)
                if not piece:
                    break
                content += piece
            return content
        finally:
            self._disk.close(fd, place)

    def _seen(self, place: str, name: str) -> Seen | None:
        try:
            itself = self._disk.call("look at", place, os.lstat, place)
        except Absent:
            return None
        is_link = stat.S_ISLNK(itself.st_mode)
        status = itself
        if is_link:
            with suppress(Absent, StorageFailure):  # it leads nowhere, or in a circle
                status = self._disk.call("look at", place, os.stat, place)
        return Seen(
            name=name,
            kind=_kind(status.st_mode),
            is_link=is_link,
            size=status.st_size,
            changed=max(status.st_mtime, status.st_ctime),
            identity=(status.st_dev, status.st_ino),
        )

    def _absolute(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root


def children_or_none(survey: Survey, path: str) -> list[Seen]:
    """What is in a directory that need not be there. Blocks; raises StorageFailure."""
    try:
        return survey.children(path)
    except Absent:
        return []


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    return "directory" if stat.S_ISDIR(mode) else "other"
