"""One sync for all that waits: ``syncfs``, where it is the cheaper way.

A group of pushes needs some forty syncs, one after the other, each with a write of the
file system's journal. ``syncfs`` makes all of it durable at once. But it also writes
everything that other programs have left to be written, so it is asked for only when the
kernel says that this is little.

What it says is less than what ``fsync`` says, so it is not taken at its word:

- It tells of lost pages once for the whole file system, to a descriptor that is older
  than the loss. A loss of somebody else's counts as ours; and who is told of a loss may
  not be the one who suffers it, later. So after a failure it is never trusted again: a
  file that is synced alone tells of its own loss still.
- A journal that was given up has nothing to write, and that succeeds. Such a file
  system takes no new file, so it is asked to.
- Before Linux 5.17 it says nothing of what the file system itself met.

Where all this, or the type of the file system, is not known, there is no such sync.

Source: syncfs(2), proc_meminfo(5), proc_pid_mountinfo(5); Linux 735e4ae5ba28 and
5679897eb104, ext4_sync_fs, jbd2_journal_start_commit.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Sequence
from typing import Protocol

from registry.storage.disk import Disk
from registry.storage.driver import Absent, StorageFailure
from registry.storage.openfile import OpenFile

LITTLE = 16 * 1024 * 1024
"""Bytes waiting to be written, by whomever, that are written in no time."""

MANY = 4
"""Syncs that one for all is worth."""

FILE_SYSTEMS = frozenset({"ext4", "xfs", "btrfs"})
"""Those whose ``syncfs`` waits for all and reports all."""

SINCE = (5, 17)

MEMORY = "/proc/meminfo"
MOUNTS = "/proc/self/mountinfo"

_WAITING = re.compile(rb"^(?:Dirty|Writeback): +([0-9]+) kB$", re.MULTILINE)
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class WholeSync(Protocol):
    """Makes a whole file system durable."""

    def is_cheaper(self, paths: Sequence[str]) -> bool:
        """Whether it makes all of these durable, quicker than one after the other."""

    def sync(self) -> None:
        """Make everything durable that was done before. Raises StorageFailure."""

    def close(self) -> None:
        """Let go of the file system, after the worker that syncs it."""


class NoWholeSync:
    """Where there is no such sync, or no trust in it."""

    def is_cheaper(self, paths: Sequence[str]) -> bool:
        """Never."""
        del paths
        return False

    def sync(self) -> None:
        """Not to be called."""
        raise StorageFailure("this file system is not synced as a whole")

    def close(self) -> None:
        """Nothing is open."""


class FileSystemSync:
    """The file system that holds ``root``, an open directory.

    A part of the tree may be on another one, by a link of the operator's.
    """

    def __init__(self, *, disk: Disk, root: OpenFile) -> None:
        self._disk = disk
        self._root = root
        self._device = os.fstat(root.fileno()).st_dev
        self.is_trusted = True

    def is_cheaper(self, paths: Sequence[str]) -> bool:
        """Whether there are many, all on it, and little else waits to be written."""
        if not self.is_trusted or len(paths) < MANY or waiting_bytes() > LITTLE:
            return False
        try:
            return all(os.stat(path).st_dev == self._device for path in paths)
        except OSError:
            return False  # one after the other, and it will be told what is wrong

    def sync(self) -> None:
        """Make everything durable. Raises StorageFailure, and is over then."""
        self._root.hold()
        try:
            self._disk.sync_file_system(self._root.fileno(), self._root.path)
            self._disk.check_alive(self._root.path)
        except Absent as gone:
            self.is_trusted = False
            raise StorageFailure(f"{gone.path} is gone; mount it again") from None
        except StorageFailure:
            self.is_trusted = False
            raise
        finally:
            self._root.release()

    def close(self) -> None:
        """Let go of the file system, after the worker that syncs it."""
        self.is_trusted = False
        self._root.close()


NO_WHOLE_SYNC = NoWholeSync()


def whole_sync(disk: Disk, root: str) -> WholeSync:
    """The way to sync all of ``root`` at once, as far as this machine is known.

    ``root`` is there. What is found out about it later is told by a failing sync.
    """
    if sys.platform != "linux" or _kernel() < SINCE:
        return NO_WHOLE_SYNC
    try:
        if _type_of(root) not in FILE_SYSTEMS:
            return NO_WHOLE_SYNC
        disk.check_alive(root)
        opened = disk.call("open", root, os.open, root, _DIRECTORY)
    except (Absent, StorageFailure, OSError):
        return NO_WHOLE_SYNC
    file = OpenFile(disk=disk, path=root, opened=(opened, 0))
    return FileSystemSync(disk=disk, root=file)


def waiting_bytes() -> float:
    """What all programs have written and no disk has yet; infinite if nobody says."""
    try:
        with open(MEMORY, "rb", buffering=0) as told:
            found = _WAITING.findall(told.read())
    except OSError:
        found = []
    return sum(map(int, found)) * 1024 if len(found) == 2 else float("inf")


def _kernel() -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", platform.release())[:2])


def _type_of(root: str) -> str | None:
    """The type of the file system that ``root`` is on."""
    device = os.stat(root).st_dev
    numbers = f"{os.major(device)}:{os.minor(device)}"
    with open(MOUNTS, encoding="utf-8", errors="replace") as mounts:
        for mount in mounts:
            fields = mount.split()
            if fields[2] == numbers:
                return fields[fields.index("-") + 1]
    return None
