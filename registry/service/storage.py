"""The storage that a configuration names, opened."""

from __future__ import annotations

import os.path
import secrets

from registry.config.schema import Configuration
from registry.repository.room import Reserve
from registry.storage.disk import Disk, UnsyncedDisk
from registry.storage.driver import Driver
from registry.storage.filesystem import FilesystemDriver
from registry.storage.kept_secret import LENGTH, kept_secret
from registry.storage.lock import HeldRoot, hold_root
from registry.storage.memory import MemoryDriver
from registry.storage.whole_sync import NO_WHOLE_SYNC, whole_sync
from registry.storage.workers import Workers


def open_storage(
    config: Configuration, *, workers: Workers
) -> tuple[Driver, HeldRoot | None]:
    """The driver, and the lock that makes this process the only writer.

    Raises StorageFailure when the root cannot be used, or another process has it.
    """
    filesystem = config.storage.filesystem
    if filesystem is None:
        return MemoryDriver(), None
    root = filesystem.rootdirectory
    held = hold_root(root, source=config.source)
    disk = UnsyncedDisk() if filesystem.durability == "none" else Disk()
    shares = filesystem.durability == "group"
    driver = FilesystemDriver(
        disk=disk,
        workers=workers,
        root=root,
        whole=whole_sync(disk, root) if shares else NO_WHOLE_SYNC,
        shares_syncs=shares,
    )
    return driver, held


def own_secret(config: Configuration) -> bytes:
    """What signs for this store where the operator gives no secret.

    Raises StorageFailure.
    """
    filesystem = config.storage.filesystem
    if filesystem is None:
        return secrets.token_bytes(LENGTH)
    return kept_secret(Disk(), os.path.abspath(filesystem.rootdirectory))


def describe_storage(config: Configuration) -> str:
    """Where content rests, for a person."""
    filesystem = config.storage.filesystem
    if filesystem is None:
        return "memory; it is gone when the registry stops"
    return os.path.abspath(filesystem.rootdirectory)


def worker_threads(config: Configuration) -> int:
    """How many threads may wait for the disk at once."""
    filesystem = config.storage.filesystem
    return 25 if filesystem is None else filesystem.maxthreads


def storage_reserve(config: Configuration) -> Reserve:
    """What pushes leave free."""
    filesystem = config.storage.filesystem
    if filesystem is None:
        return Reserve()
    return Reserve(size=filesystem.reserve.size, files=filesystem.reserve.inodes)


def storage_kind(config: Configuration) -> str:
    """The driver's name in the configuration."""
    return "inmemory" if config.storage.filesystem is None else "filesystem"
