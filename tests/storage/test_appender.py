"""Appending to an upload: what the file, the hashers and the size agree on."""

import errno
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core.digest import Digest
from registry.storage.disk import IOV_MAX, Disk
from registry.storage.driver import (
    Absent,
    Appender,
    Create,
    Remove,
    StorageFailure,
    StorageFull,
)
from registry.storage.filesystem import FilesystemDriver
from registry.storage.workers import Inline
from registry.testing.results import result_of
from registry.testing.watched_disk import WatchedDisk


class SmallDisk(Disk):
    """Takes a few bytes per call, as a nearly full disk does, and then no more."""

    def __init__(self, *, per_call: int, room: int) -> None:
        self.per_call = per_call
        self.room = room
        self.most_buffers = 0

    def writev(self, fd: int, path: str, buffers: Sequence[bytes | memoryview]) -> int:
        self.most_buffers = max(self.most_buffers, len(buffers))
        return self.call("write", path, self._write, fd, buffers)

    def _write(self, fd: int, buffers: Sequence[bytes | memoryview]) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = b"".join(buffers)[: min(self.per_call, self.room)]
        self.room -= len(taken)
        return os.write(fd, taken)


async def upload_on(root: Path, disk: Disk) -> Appender:
    driver = FilesystemDriver(disk=disk, workers=Inline(), root=str(root))
    await driver.apply([Create("u/data")])
    return await driver.append_to("u/data")


@settings(deadline=None)  # the disk may be busy
@given(
    chunks=st.lists(st.binary(max_size=20), max_size=20),
    per_call=st.integers(1, 30),
    room=st.integers(0, 200),
)
def test_file_hashers_and_size_always_agree(
    tmp_path_factory: pytest.TempPathFactory,
    chunks: list[bytes],
    per_call: int,
    room: int,
) -> None:
    root = tmp_path_factory.mktemp("root")
    hashers = [hashlib.sha256(), hashlib.sha512()]
    appender = result_of(upload_on(root, SmallDisk(per_call=per_call, room=room)))
    sent = b"".join(chunks)
    try:
        assert result_of(appender.append(chunks, hashers)) == len(sent)
    except StorageFull:
        assert room < len(sent)
    result_of(appender.close(flush=False))
    stored = (root / "u/data").read_bytes()
    assert stored == sent[:room]
    assert appender.size == len(stored)
    assert hashers[0].hexdigest() == Digest.of(stored).hex
    assert hashers[1].hexdigest() == Digest.of(stored, "sha512").hex


def test_no_call_has_more_buffers_than_the_kernel_takes(tmp_path: Path) -> None:
    disk = SmallDisk(per_call=10_000, room=1_000_000)
    appender = result_of(upload_on(tmp_path, disk))
    result_of(appender.append([b"x"] * (IOV_MAX + 5), []))
    assert disk.most_buffers == IOV_MAX
    assert appender.size == IOV_MAX + 5
    result_of(appender.close(flush=False))


def test_can_go_on_when_there_is_room_again(tmp_path: Path) -> None:
    disk = SmallDisk(per_call=100, room=3)
    appender = result_of(upload_on(tmp_path, disk))
    with pytest.raises(StorageFull):
        result_of(appender.append([b"abcdef"], []))
    disk.room = 100
    result_of(appender.append([b"def"], []))
    result_of(appender.close(flush=True))
    assert (tmp_path / "u/data").read_bytes() == b"abcdef"


def test_flushing_syncs_the_bytes_and_then_every_name_above(tmp_path: Path) -> None:
    disk = WatchedDisk()
    appender = result_of(upload_on(tmp_path, disk))
    result_of(appender.append([b"content"], []))
    first = len(disk.calls)
    result_of(appender.close(flush=True))
    assert [(call.verb, call.path) for call in disk.calls[first:]] == [
        ("sync", f"{tmp_path}/u/data"),
        ("sync directory", f"{tmp_path}/u"),
        ("make directory", str(tmp_path)),
        ("make directory", f"{tmp_path}/u"),
        ("sync directory", str(tmp_path)),
        ("close", f"{tmp_path}/u/data"),
    ]


def test_closing_without_flushing_only_closes(tmp_path: Path) -> None:
    disk = WatchedDisk()
    appender = result_of(upload_on(tmp_path, disk))
    first = len(disk.calls)
    result_of(appender.close(flush=False))
    result_of(appender.close(flush=False))
    assert [call.verb for call in disk.calls[first:]] == ["close"]


def test_a_failed_flush_still_closes(tmp_path: Path) -> None:
    disk = WatchedDisk()
    appender = result_of(upload_on(tmp_path, disk))

    def fail_sync(_number: int, call: object) -> None:
        if "sync" in str(call):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    disk.interrupt = fail_sync
    with pytest.raises(StorageFailure, match="kernel"):
        result_of(appender.close(flush=True))
    assert disk.calls[-1].verb == "close"


def test_flushing_a_removed_upload_fails_and_brings_nothing_back(
    tmp_path: Path,
) -> None:
    driver = FilesystemDriver(disk=Disk(), workers=Inline(), root=str(tmp_path))
    result_of(driver.apply([Create("d/u/data")]))
    appender = result_of(driver.append_to("d/u/data"))
    result_of(driver.apply([Remove("d/u")]))
    with pytest.raises(Absent):
        result_of(appender.close(flush=True))
    assert os.listdir(tmp_path / "d") == []


def test_appending_after_closing_is_refused(tmp_path: Path) -> None:
    appender = result_of(upload_on(tmp_path, Disk()))
    result_of(appender.close(flush=False))
    with pytest.raises(StorageFailure, match="closed"):
        result_of(appender.append([b"late"], []))
