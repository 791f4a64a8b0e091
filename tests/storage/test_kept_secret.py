"""The secret of a store, which is made once."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from registry.storage.disk import Disk
from registry.storage.driver import StorageFailure
from registry.storage.kept_secret import LENGTH, PLACE, kept_secret
from registry.testing.watched_disk import Call, Killed, WatchedDisk, killing


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_secret_is_the_same_after_a_restart(tmp_path: Path) -> None:
    secret = kept_secret(Disk(), str(tmp_path))
    assert len(secret) == LENGTH
    assert kept_secret(Disk(), str(tmp_path)) == secret
    assert (tmp_path / PLACE).read_bytes() == secret


def test_another_store_has_another(tmp_path: Path) -> None:
    first, second = (kept_secret(Disk(), str(tmp_path / name)) for name in "ab")
    assert first != second


def test_only_the_user_of_the_registry_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        kept_secret(Disk(), str(tmp_path))
    finally:
        assert os.umask(before) == 0
    assert mode(tmp_path / PLACE) == 0o600
    assert mode(tmp_path / "_registry") == 0o777


@pytest.mark.parametrize("loose", [0o640, 0o604, 0o620, 0o666])
def test_one_that_others_can_read_is_made_anew(tmp_path: Path, loose: int) -> None:
    secret = kept_secret(Disk(), str(tmp_path))
    (tmp_path / PLACE).chmod(loose)
    assert kept_secret(Disk(), str(tmp_path)) != secret
    assert mode(tmp_path / PLACE) == 0o600


@pytest.mark.parametrize("size", [0, 1, LENGTH - 1, LENGTH + 1, 1000])
def test_one_that_is_torn_is_made_anew(tmp_path: Path, size: int) -> None:
    kept_secret(Disk(), str(tmp_path))
    (tmp_path / PLACE).write_bytes(bytes(size))
    secret = kept_secret(Disk(), str(tmp_path))
    assert len(secret) == LENGTH
    assert secret != bytes(LENGTH)
    assert kept_secret(Disk(), str(tmp_path)) == secret


def test_what_a_crash_left_of_the_last_try_does_not_lend_its_mode(
    tmp_path: Path,
) -> None:
    left = tmp_path / f"{PLACE}.tmp"
    left.parent.mkdir()
    left.write_bytes(b"half")
    left.chmod(0o666)
    secret = kept_secret(Disk(), str(tmp_path))
    assert mode(tmp_path / PLACE) == 0o600
    assert (tmp_path / PLACE).read_bytes() == secret
    assert not left.exists()


def test_an_end_at_any_call_leaves_none_or_a_whole_one(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    disk = WatchedDisk(syncs=False)
    kept_secret(disk, str(tmp_path_factory.mktemp("root")))
    assert [call.verb for call in disk.calls].index("sync") < [
        call.verb for call in disk.calls
    ].index("rename to")
    assert disk.calls[-1].verb == "sync directory"
    for number in range(len(disk.calls)):
        root = tmp_path_factory.mktemp("root")
        with pytest.raises(Killed):
            kept_secret(WatchedDisk(interrupt=killing(at=number)), str(root))
        place = root / PLACE
        found = place.read_bytes() if place.exists() else None
        assert found is None or len(found) == LENGTH
        assert kept_secret(Disk(), str(root)) == (found or place.read_bytes())


def test_a_full_disk_keeps_no_secret_but_has_one(tmp_path: Path) -> None:
    def fill(_number: int, call: Call) -> None:
        if call.verb == "write":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    secret = kept_secret(WatchedDisk(interrupt=fill), str(tmp_path))
    assert len(secret) == LENGTH
    assert kept_secret(Disk(), str(tmp_path)) != secret


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES])
def test_what_cannot_be_read_is_no_reason_to_make_another(
    tmp_path: Path, code: int
) -> None:
    secret = kept_secret(Disk(), str(tmp_path))

    def fail(_number: int, call: Call) -> None:
        if call.verb in {"open", "read"}:
            raise OSError(code, os.strerror(code))

    with pytest.raises(StorageFailure, match=PLACE):
        kept_secret(WatchedDisk(interrupt=fail), str(tmp_path))
    assert kept_secret(Disk(), str(tmp_path)) == secret


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "_registry").mkdir()
    (tmp_path / "elsewhere").write_bytes(bytes(LENGTH))
    (tmp_path / PLACE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageFailure, match=PLACE):
        kept_secret(Disk(), str(tmp_path))
    assert (tmp_path / "elsewhere").read_bytes() == bytes(LENGTH)
