"""The mark of a store: which store it is, and whether its last run ended well.

::

    _registry/store      the id of the store, made once
    _registry/running    while a process serves, and after one that did not end well

``running`` is written durably before anything else and removed as the last thing of a
clean stop. Its time of writing is the last sign of life, renewed by ``beat``. What was
written ``MARGIN`` before that or later may not have reached the disk whole, so it has
to be looked through. ``unchecked`` keeps the moment since when, until that is done,
also over further crashes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress

from registry.storage.changes import Changes
from registry.storage.directories import Directories
from registry.storage.disk import Disk
from registry.storage.driver import Absent, Put, Remove, StorageFailure, StorageFull

STORE = "_registry/store"
RUNNING = "_registry/running"

MARGIN = 600.0
"""Seconds before the last sign of life from which on nothing is taken for granted: a
kernel writes back within 30 s, and a sign of life comes every minute."""

BEAT = 60.0
"""Seconds between two signs of life."""


class Mark:
    """The mark of one run. All methods block.

    ``id`` is empty if a full disk kept it from being made. ``unchecked`` is the moment,
    in seconds of the epoch, from which on written content has to be looked through;
    None if the last run ended well. ``started`` is when this run began, by the clock of
    the file system.
    """

    def __init__(self, *, disk: Disk, root: str, new_id: Callable[[], str]) -> None:
        self._disk = disk
        self._root = os.path.abspath(root)
        directories = Directories(disk=disk, root=self._root, makes_root=False)
        self._changes = Changes(disk=disk, root=self._root, directories=directories)
        self.id = ""
        self._is_written = False
        self.unchecked = self._since()
        try:
            self.id = self._id(new_id)
            self._write()
            self.started = self._written()
        except StorageFull:  # must not keep anybody from pulling
            self.started = time.time()

    def beat(self) -> None:
        """Give a sign of life; a power cut may undo it. Raises StorageFailure.

        A mark that found no room at the start is made now, if there is some. Until then
        that of the last run stays as it is: it knows since when content is unchecked.
        """
        path = self._absolute(RUNNING)
        if not self._is_written:
            with suppress(StorageFull):
                self._write()
            return
        try:
            self._disk.call("touch", path, os.utime, path)
        except Absent:
            self._write()

    def checked(self) -> None:
        """All that was written before this run has been looked through."""
        self.unchecked = None
        self._write()

    def close(self) -> None:
        """The run ends well. What is still to be looked through stays noted."""
        if self.unchecked is None:
            self._changes.apply([Remove(RUNNING)])

    def _id(self, new_id: Callable[[], str]) -> str:
        found = self._read(STORE).strip()
        if not found:
            found = new_id()
            self._changes.apply([Put(STORE, f"{found}\n".encode())])
        return found

    def _since(self) -> float | None:
        """Since when content is unchecked, by what the last run has left."""
        try:
            life = self._written() - MARGIN
        except Absent:
            return None
        try:
            noted = json.loads(self._read(RUNNING))["unchecked"]
            return life if noted is None else min(float(noted), life)
        except (ValueError, TypeError, KeyError):
            return life  # the mark itself was torn

    def _write(self) -> None:
        said = {"pid": os.getpid(), "unchecked": self.unchecked}
        self._changes.apply([Put(RUNNING, f"{json.dumps(said)}\n".encode())])
        self._is_written = True

    def _written(self) -> float:
        path = self._absolute(RUNNING)
        return self._disk.call("stat", path, os.lstat, path).st_mtime

    def _read(self, name: str) -> str:
        """The text of a small file, empty if there is none."""
        path = self._absolute(name)
        try:
            fd, size = self._disk.open(path)
        except Absent:
            return ""
        try:
            return self._disk.read(fd, path, 0, min(size, 4096)).decode(
                "utf-8", "replace"
            )
        finally:
            self._disk.close(fd, path)

    def _absolute(self, name: str) -> str:
        return f"{self._root}/{name}"


def is_store(root: str) -> bool:
    """Whether ``root`` holds a store, of ours or of Distribution's. Blocks.

    Raises StorageFailure if that cannot be told.
    """
    disk = Disk()
    for name in ("docker/registry/v2", STORE):
        try:
            disk.call("look at", f"{root}/{name}", os.stat, f"{root}/{name}")
        except Absent:
            continue
        return True
    return False


def may_be_served(root: str) -> bool:
    """Whether a process may be writing below ``root``. Blocks.

    Not where our mark says that the last run has ended. A store without one was never
    ours, and its owner leaves no mark.
    """
    disk = Disk()
    found = []
    for name in (STORE, RUNNING):
        try:
            disk.call("look at", f"{root}/{name}", os.stat, f"{root}/{name}")
        except Absent:
            continue
        except StorageFailure:
            return True  # it is not for us to look there
        found.append(name)
    return found != [STORE]


def require_store(root: str) -> None:
    """Raises StorageFailure unless ``root`` holds a store. Blocks."""
    if not is_store(root):
        raise StorageFailure(
            f"{os.path.abspath(root)} holds no store, and storage.filesystem.create is"
            " off; mount the disk that has it, or set create to true to begin a new one"
        )
