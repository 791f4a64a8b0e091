"""What a push replaces is kept, until somebody has looked whether it was any good.

Content pushed again replaces what stands there. If that was damaged, it is evidence,
and never ours to delete; if it was not, it is the same content. To tell, it has to be
read, and a push does not wait for that. So a change with ``keep`` first gives what it
replaces a second name: one failing look for new content, a link for old.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from registry.storage.commit import Commit
from registry.storage.directories import Directories
from registry.storage.disk import Disk
from registry.storage.driver import Absent, Change, Move, Put, StorageFailure

_NO_LINKS = frozenset(
    {errno.EEXIST, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
)
"""Something is kept there already, or this file system cannot keep it. link(2)."""


class Keeping:
    """Carries out lists of changes with ``commit``; blocks, one call at a time."""

    def __init__(
        self, *, disk: Disk, root: str, directories: Directories, commit: Commit
    ) -> None:
        self._disk = disk
        self._root = root
        self._directories = directories
        self._commit = commit

    def carry_out(self, lists: Sequence[Sequence[Change]]) -> list[Exception | None]:
        """Carry out every list; what went wrong with each, None if nothing did."""
        failures = [self._keep_all(changes) for changes in lists]
        going = zip(lists, failures, strict=True)
        outcomes = iter(
            self._commit.carry_out([one for one, failed in going if failed is None])
        )
        return [next(outcomes) if failed is None else failed for failed in failures]

    def _keep_all(self, changes: Sequence[Change]) -> Exception | None:
        try:
            for change in changes:
                if isinstance(change, Put | Move) and change.keep is not None:
                    self._keep(f"{self._root}/{change.target}", change.keep)
        except StorageFailure as failure:
            return failure
        return None

    def _keep(self, target: str, keep: str) -> None:
        try:
            self._disk.call("look at", target, os.lstat, target)
            place = f"{self._root}/{keep}"
            self._directories.settle(os.path.dirname(place))
            if self._disk.call("link", place, _link, target, place):
                self._disk.fsync_directory(os.path.dirname(place))
        except Absent:
            return  # new content, which is what comes nearly always


def _link(source: str, target: str) -> bool:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True
