"""The storage that a configuration names, opened."""

from __future__ import annotations

import os
import secrets
import uuid

import attrs
from twisted.logger import Logger

from registry.config.schema import Configuration
from registry.config.storage import Filesystem
from registry.repository.room import Reserve
from registry.storage.disk import Disk, UnsyncedDisk
from registry.storage.driver import Driver, StorageFailure
from registry.storage.filesystem import FilesystemDriver
from registry.storage.guard import RootGuard
from registry.storage.kept_secret import LENGTH, kept_secret
from registry.storage.lock import HeldRoot, hold_root
from registry.storage.mark import Mark, require_store
from registry.storage.memory import MemoryDriver
from registry.storage.survey import Survey
from registry.storage.whole_sync import NO_WHOLE_SYNC, whole_sync
from registry.storage.workers import Workers

_log = Logger()


@attrs.frozen(kw_only=True)
class OpenStorage:
    """The driver and, where there is a root on a disk, all that is known about it.

    ``held`` makes this process the only writer; ``guard`` raises StorageGone once the
    root is another; ``mark`` remembers how runs ended. Unless it ``is_synced``, the
    system writes what was pushed when it likes.
    """

    driver: Driver
    held: HeldRoot | None = None
    guard: RootGuard | None = None
    mark: Mark | None = None
    survey: Survey | None = None
    is_synced: bool = True

    def close(self) -> None:
        """Note that the run ended well, and let the root go. Blocks."""
        if self.mark is not None and self.guard is not None:
            try:
                self.guard()
                if not self.is_synced:
                    os.sync()  # or a power cut after a good end would find no mark
                self.mark.close()
            except StorageFailure as failure:
                _log.error("the end is not marked: {failure}", failure=str(failure))
        if self.held is not None:
            self.held.close()


def open_storage(config: Configuration, *, workers: Workers) -> OpenStorage:
    """The storage, marked as being in use.

    Raises StorageFailure when the root cannot be used, or another process has it.
    """
    filesystem = config.storage.filesystem
    if filesystem is None:
        return OpenStorage(driver=MemoryDriver())
    root = filesystem.rootdirectory
    if not filesystem.create:
        require_store(root)
    held = hold_root(root, source=config.source)
    try:
        return _opened(filesystem, held, workers)
    except BaseException:
        held.close()
        raise


def _opened(filesystem: Filesystem, held: HeldRoot, workers: Workers) -> OpenStorage:
    root = filesystem.rootdirectory
    disk = UnsyncedDisk() if filesystem.durability == "none" else Disk()
    shares = filesystem.durability == "group"
    guard = RootGuard(disk=disk, held=held)
    driver = FilesystemDriver(
        disk=disk,
        workers=workers,
        root=root,
        guard=guard,
        whole=whole_sync(disk, root) if shares else NO_WHOLE_SYNC,
        shares_syncs=shares,
    )
    return OpenStorage(
        driver=driver,
        held=held,
        guard=guard,
        mark=Mark(disk=Disk(), root=root, new_id=lambda: str(uuid.uuid4())),
        survey=Survey(disk=disk, root=root),
        is_synced=filesystem.durability != "none",
    )


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
