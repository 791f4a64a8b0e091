"""The one place where the filesystem driver meets the operating system.

Every system call that touches the tree goes through ``Disk.call``, so that a test can
record it, fail it, or stop the world before or after it by overriding that one method.
All methods block; they are called in workers only. Paths here are absolute.

Errors: ENOENT and ENOTDIR prove that nothing is there and become ``Absent``. ENOSPC and
EDQUOT become ``StorageFull``. Everything else becomes ``StorageFailure``, because it
says nothing about what exists.

Links: every file is opened with O_NOFOLLOW and must be a regular file, to be read or
written, so that a symbolic link in the place of a file leads nowhere. Directories on
the way may be links, because operators do put parts of a tree on another disk. Removal
never follows a link: it takes the link itself away.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import ParamSpec, TypeVar

import attrs

from registry.storage.calls import sync_file_system
from registry.storage.driver import Absent, Space, StorageFailure, StorageFull

P = ParamSpec("P")
T = TypeVar("T")

DIRECTORY_MODE = 0o777
FILE_MODE = 0o666
"""Modes before the umask, as Distribution has them."""

IOV_MAX = os.sysconf("SC_IOV_MAX")
"""Buffers that one ``writev`` takes."""

_COMMON = os.O_CLOEXEC | os.O_NONBLOCK
_READ = os.O_RDONLY | os.O_NOFOLLOW | _COMMON
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | _COMMON
_CREATE = _APPEND | os.O_CREAT | os.O_EXCL

_ADVICE = {
    errno.ENOSPC: "free some space or inodes, or enlarge the file system",
    errno.EDQUOT: "free some space or raise the quota of the registry's user",
    errno.EACCES: "let the registry's user read and write there",
    errno.EPERM: "let the registry's user read and write there",
    errno.EROFS: "mount the file system read-write",
    errno.EIO: "read the kernel's log; the device may be failing",
    errno.ELOOP: "a symbolic link is in the way; put the file itself there",
    errno.EISDIR: "a directory is where a file belongs; move it away",
    errno.EINVAL: "something other than a file is in the way; move it away",
    errno.EEXIST: "something is there already; move it away",
    errno.EMFILE: "raise the limit of open files of the registry's process",
    errno.ENFILE: "raise the system's limit of open files",
    errno.ENOLCK: "give the file system locks: for NFS, run its lock service",
    errno.EXDEV: "keep the whole storage root on one file system",
}


@attrs.frozen
class Entry:
    """A child of a directory; a link to a directory is no directory."""

    name: str
    is_directory: bool


def translated(verb: str, path: str, error: OSError) -> Absent | StorageFailure:
    """What a driver raises for ``error``, which came from ``verb`` on ``path``."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Absent(path)
    advice = _ADVICE.get(error.errno or 0, "check the file system below it")
    message = f"cannot {verb} {path}: {error.strerror}; {advice}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(message)
    return StorageFailure(message)


class Disk:
    """The file system, with a driver's errors."""

    def call(
        self,
        verb: str,
        path: str,
        system_call: Callable[P, T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Make ``system_call``; ``verb`` and ``path`` say what for."""
        try:
            return system_call(*args, **kwargs)
        except OSError as error:
            raise translated(verb, path, error) from error

    def open(self, path: str) -> tuple[int, int]:
        """A descriptor to read a regular file, and its length in bytes."""
        return self.call("open", path, _open_regular, path, _READ)

    def open_to_append(self, path: str) -> tuple[int, int]:
        """A descriptor to grow a regular file, and its length in bytes."""
        return self.call("append to", path, _open_regular, path, _APPEND)

    def create(self, path: str) -> tuple[int, int]:
        """A descriptor to grow a new file; fails if anything is there."""
        return self.call("create", path, _open_regular, path, _CREATE)

    def read(self, fd: int, path: str, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``; none at the end of the file."""
        return self.call("read", path, os.pread, fd, length, offset)

    def writev(self, fd: int, path: str, buffers: Sequence[bytes | memoryview]) -> int:
        """Write at most IOV_MAX buffers; how many bytes of them were written."""
        return self.call("write", path, os.writev, fd, buffers)

    def fsync(self, fd: int, path: str) -> None:
        """Make the content of an open file survive a power cut."""
        self.call("sync", path, os.fsync, fd)

    def fsync_directory(self, path: str) -> None:
        """Make the names in a directory survive a power cut."""
        self.call("sync directory", path, _fsync_directory, path)

    def sync_file_system(self, fd: int, path: str) -> None:
        """Make everything durable that is on the file system of an open file."""
        self.call("sync file system", path, sync_file_system, fd)

    def sync_tree(self, path: str) -> None:
        """The same for the file system of a directory."""
        self.call("sync file system", path, _sync_tree, path)

    def check_alive(self, path: str) -> None:
        """Raises StorageFailure where the file system has given up its journal.

        It then takes no new file. This one has no name, and is gone at once; that there
        is no room for it means nothing.
        """
        with suppress(StorageFull):
            self.call("write below", path, _make_unnamed, path)

    def close(self, fd: int, path: str) -> None:
        """Release a descriptor."""
        self.call("close", path, os.close, fd)

    def rename(self, source: str, target: str) -> None:
        """Move a file over whatever file is at ``target``."""
        self.call("rename to", target, os.replace, source, target)

    def unlink(self, path: str) -> None:
        """Remove the name of a file or of a link."""
        self.call("unlink", path, os.unlink, path)

    def mkdir(self, path: str) -> bool:
        """Make a directory; False if anything is there already."""
        return self.call("make directory", path, _mkdir, path)

    def rmdir(self, path: str) -> bool:
        """Remove an empty directory; False if it is not empty."""
        return self.call("remove directory", path, _rmdir, path)

    def entries(self, path: str) -> list[Entry]:
        """The children of a directory, in no order."""
        return self.call("list", path, _entries, path)

    def size(self, path: str) -> int:
        """The length of a regular file in bytes."""
        return self.call("stat", path, _size, path)

    def space(self, path: str) -> Space:
        """What the file system that ``path`` is on has room for."""
        return self.call("measure", path, _space, path)

    def is_directory(self, path: str) -> bool:
        """Whether a directory is there, rather than a file or a link."""
        return stat.S_ISDIR(self.call("stat", path, os.lstat, path).st_mode)


class UnsyncedDisk(Disk):
    """A file system that nobody waits for: a power cut may lose what was written."""

    def fsync(self, fd: int, path: str) -> None:
        """Nothing is waited for."""

    def fsync_directory(self, path: str) -> None:
        """It is only looked whether the directory is there."""
        self.is_directory(path)

    def sync_file_system(self, fd: int, path: str) -> None:
        """Nothing is waited for."""

    def sync_tree(self, path: str) -> None:
        """Nothing is waited for."""


def _open_regular(path: str, flags: int) -> tuple[int, int]:
    fd = os.open(path, flags, FILE_MODE)
    try:
        return fd, _regular_size(os.fstat(fd))
    except OSError:
        os.close(fd)
        raise


def _regular_size(status: os.stat_result) -> int:
    if stat.S_ISREG(status.st_mode):
        return status.st_size
    code = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
    raise OSError(code, os.strerror(code))


def _size(path: str) -> int:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return _regular_size(status)


def _space(path: str) -> Space:
    """A file system that makes inodes as it needs them says that it has none."""
    status = os.statvfs(path)
    has_inodes = status.f_files > 0
    return Space(
        free=status.f_bavail * status.f_frsize,
        size=status.f_blocks * status.f_frsize,
        block=status.f_frsize,
        free_files=status.f_favail if has_inodes else None,
        files=status.f_files if has_inodes else None,
    )


def _fsync_directory(path: str) -> None:
    """Where a network file system says EINVAL, it has no such call: go on without."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(fd)


def _sync_tree(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync_file_system(fd)
    finally:
        os.close(fd)


def _make_unnamed(path: str) -> None:
    os.close(os.open(path, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def _mkdir(path: str) -> bool:
    try:
        os.mkdir(path, DIRECTORY_MODE)
    except FileExistsError:
        return False
    return True


def _rmdir(path: str) -> bool:
    try:
        os.rmdir(path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _entries(path: str) -> list[Entry]:
    with os.scandir(path) as found:
        return [Entry(e.name, e.is_dir(follow_symlinks=False)) for e in found]
