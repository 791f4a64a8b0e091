"""The secret of a store, which is made once."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from registry.storage.disk import Disk
from registry.storage.kept_secret import LENGTH, kept_secret
from registry.testing.watched_disk import Call, WatchedDisk


def test_the_secret_is_the_same_after_a_restart(tmp_path: Path) -> None:
    secret = kept_secret(Disk(), str(tmp_path))
    assert len(secret) == LENGTH
    assert kept_secret(Disk(), str(tmp_path)) == secret


def test_a_full_disk_keeps_no_secret_but_has_one(tmp_path: Path) -> None:
    def fill(_number: int, call: Call) -> None:
        if call.verb == "write":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    secret = kept_secret(WatchedDisk(interrupt=fill), str(tmp_path))
    assert len(secret) == LENGTH
    assert kept_secret(Disk(), str(tmp_path)) != secret
