"""One sync for all that waits: ``syncfs``, where it is the cheaper way.

A group of pushes needs some forty syncs, one after the other, each with a write of the
file system's journal. ``syncfs`` makes all of it durable at once. But it also writes
everything that other programs have left to be written, so it is asked for only when the
kernel says that this is little.

It tells of lost pages through a descriptor that is older than the loss, since Linux
5.8; a loss of somebody else's counts as ours. Where that, or the file system, is
not known to be so, there is no such sync.

Source: syncfs(2), proc_meminfo(5).
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from typing import Protocol

from registry.storage.disk import Disk
from registry.storage.driver import StorageFailure

LITTLE = 16 * 1024 * 1024
"""Bytes waiting to be written, by whomever, that are written in no time."""

MANY = 4
"""Syncs that one for all is worth."""

FILE_SYSTEMS = frozenset({"ext4", "xfs", "btrfs"})
"""Those whose ``syncfs`` waits for all and reports all."""

SINCE = (5, 8)

_WAITING = re.compile(rb"^(?:Dirty|Writeback): +([0-9]+) kB", re.MULTILINE)


class WholeSync(Protocol):
    """Makes a whole file system durable."""

    def is_cheaper(self, paths: Sequence[str]) -> bool:
        """Whether it makes all of these durable, quicker than one after the other."""

    def sync(self) -> None:
        """Make everything durable that was done before. Raises StorageFailure."""


class NoWholeSync:
    """Where there is no such sync, or no trust in it."""

    def is_cheaper(self, paths: Sequence[str]) -> bool:
        """Never."""
        del paths
        return False

    def sync(self) -> None:
        """Not to be called."""
        raise StorageFailure("this file system is not synced as a whole")


class FileSystemSync:
    """The file system that holds ``root``, an open directory.

    A part of the tree may be on another one, by a link of the operator's.
    """

    def __init__(self, *, disk: Disk, root: str, descriptor: int) -> None:
        self._disk = disk
        self._root = root
        self._descriptor = descriptor
        self._device = os.fstat(descriptor).st_dev

    def is_cheaper(self, paths: Sequence[str]) -> bool:
        """Whether there are many, all on it, and little else waits to be written."""
        if len(paths) < MANY or waiting_bytes() > LITTLE:
            return False
        try:
            return all(os.stat(path).st_dev == self._device for path in paths)
        except OSError:
            return False  # one after the other, and it will be told what is wrong

    def sync(self) -> None:
        """Make everything durable. Raises StorageFailure."""
        self._disk.sync_file_system(self._descriptor, self._root)


NO_WHOLE_SYNC = NoWholeSync()


def whole_sync(disk: Disk, root: str) -> WholeSync:
    """The way to sync all of ``root`` at once, as far as this machine is known."""
    if _kernel() < SINCE or _type_of(root) not in FILE_SYSTEMS:
        return NO_WHOLE_SYNC
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return FileSystemSync(disk=disk, root=root, descriptor=descriptor)


def waiting_bytes() -> int:
    """What all programs have written and no disk has yet."""
    with open("/proc/meminfo", "rb", buffering=0) as told:
        found = _WAITING.findall(told.read())
    return sum(map(int, found)) * 1024


def _kernel() -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", platform.release())[:2])


def _type_of(root: str) -> str | None:
    """The type of the file system that ``root`` is on."""
    device = os.stat(root).st_dev
    numbers = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        for mount in mounts:
            fields = mount.split()
            if fields[2] == numbers:
                return fields[fields.index("-") + 1]
    return None
