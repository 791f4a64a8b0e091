"""What ``storage.filesystem.durability`` promises, seen by the syncs that are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.storage.changes import Changes
from registry.storage.directories import Directories
from registry.storage.disk import UnsyncedDisk
from registry.storage.driver import Absent, Put


def test_none_writes_the_same_files(tmp_path: Path) -> None:
    root, disk = str(tmp_path), UnsyncedDisk()
    changes = Changes(
        disk=disk, root=root, directories=Directories(disk=disk, root=root)
    )
    changes.apply([Put("a/b", b"content")])

    assert (tmp_path / "a" / "b").read_bytes() == b"content"


def test_none_still_sees_that_a_directory_is_gone(tmp_path: Path) -> None:
    with pytest.raises(Absent):
        UnsyncedDisk().fsync_directory(str(tmp_path / "gone"))
