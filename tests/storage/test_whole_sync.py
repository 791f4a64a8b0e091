"""The sync of a whole file system: when it is taken, and how far it is trusted."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
from always import DIRECTORY, Always, always

from registry.storage import whole_sync as module
from registry.storage.calls import sync_file_system
from registry.storage.disk import Disk
from registry.storage.driver import Put, StorageFailure
from registry.storage.filesystem import FilesystemDriver
from registry.storage.openfile import OpenFile
from registry.storage.whole_sync import (
    LITTLE,
    MANY,
    NO_WHOLE_SYNC,
    FileSystemSync,
    waiting_bytes,
    whole_sync,
)
from registry.storage.workers import Inline
from registry.testing.results import result_of
from registry.testing.watched_disk import Call, Interrupt, WatchedDisk

ELSEWHERE = "/proc"
"""A directory that is on another file system."""


def real(disk: Disk, root: Path) -> FileSystemSync:
    opened = os.open(root, DIRECTORY)
    file = OpenFile(disk=disk, path=str(root), opened=(opened, 0))
    return FileSystemSync(disk=disk, root=file)


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits to be written."""
    monkeypatch.setattr(module, "waiting_bytes", lambda: 0)


@pytest.fixture
def disk() -> WatchedDisk:
    return WatchedDisk(syncs=False)


@pytest.fixture
def whole(disk: WatchedDisk, tmp_path: Path) -> Iterator[FileSystemSync]:
    whole = real(disk, tmp_path)
    yield whole
    whole.close()


def verbs(disk: WatchedDisk) -> list[str]:
    return [call.verb for call in disk.calls]


# When it is cheaper.


@pytest.mark.usefixtures("calm")
def test_it_is_worth_it_for_many_and_not_for_a_few(
    whole: FileSystemSync, tmp_path: Path
) -> None:
    assert whole.is_cheaper([str(tmp_path)] * MANY)
    assert not whole.is_cheaper([str(tmp_path)] * (MANY - 1))


def test_it_is_not_while_others_have_much_to_write(
    whole: FileSystemSync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for waiting, is_cheaper in ((LITTLE, True), (LITTLE + 1, False)):
        monkeypatch.setattr(module, "waiting_bytes", lambda waiting=waiting: waiting)
        assert whole.is_cheaper([str(tmp_path)] * MANY) is is_cheaper


@pytest.mark.usefixtures("calm")
def test_it_is_not_for_what_is_on_another_file_system(
    whole: FileSystemSync, tmp_path: Path
) -> None:
    here = [str(tmp_path)] * MANY
    assert not whole.is_cheaper([*here, ELSEWHERE])
    (tmp_path / "link").symlink_to(ELSEWHERE)
    assert not whole.is_cheaper([*here, str(tmp_path / "link")])


@pytest.mark.usefixtures("calm")
def test_it_is_not_for_what_is_gone(whole: FileSystemSync, tmp_path: Path) -> None:
    """Who syncs it alone is told so."""
    assert not whole.is_cheaper([*[str(tmp_path)] * MANY, str(tmp_path / "gone")])


@pytest.mark.parametrize(
    ("told", "waiting"),
    [
        (b"MemTotal: 9 kB\nDirty:    3 kB\nWriteback:  4 kB\n", 7 * 1024),
        (b"Dirty: 3 kB\nWriteback: 4 kB\nWritebackTmp: 500 kB\n", 7 * 1024),
        (b"Dirty: 3 kB\n", float("inf")),
        (b"", float("inf")),
        (None, float("inf")),
    ],
)
def test_what_nobody_says_is_taken_for_much(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: bytes | None, waiting: float
) -> None:
    place = tmp_path / "meminfo"
    if told is not None:
        place.write_bytes(told)
    monkeypatch.setattr(module, "MEMORY", str(place))
    assert waiting_bytes() == waiting


def test_this_machine_says_how_much_waits() -> None:
    assert 0 <= waiting_bytes() < float("inf")


# How far it is trusted.


def test_it_syncs_and_asks_whether_the_journal_is_alive(
    whole: FileSystemSync, disk: WatchedDisk, tmp_path: Path
) -> None:
    whole.sync()
    assert disk.calls == [
        Call("sync file system", str(tmp_path)),
        Call("write below", str(tmp_path)),
    ]
    assert os.listdir(tmp_path) == []


def failing_at(verb: str, code: int) -> Interrupt:
    def interrupt(_number: int, call: Call) -> None:
        if call.verb == verb:
            raise OSError(code, os.strerror(code))

    return interrupt


@pytest.mark.usefixtures("calm")
@pytest.mark.parametrize(
    ("verb", "code"),
    [
        ("sync file system", errno.EIO),
        ("sync file system", errno.ENOSPC),
        ("write below", errno.EROFS),
        ("write below", errno.EIO),
        ("write below", errno.ENOENT),
    ],
)
def test_after_a_failure_it_is_never_trusted_again(
    whole: FileSystemSync, disk: WatchedDisk, tmp_path: Path, verb: str, code: int
) -> None:
    """It tells of a loss once, and maybe not the one who suffers it."""
    disk.interrupt = failing_at(verb, code)
    with pytest.raises(StorageFailure, match=str(tmp_path)):
        whole.sync()
    disk.interrupt = lambda _number, _call: None
    assert not whole.is_cheaper([str(tmp_path)] * MANY)


@pytest.mark.usefixtures("calm")
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_file_system_is_alive(
    whole: FileSystemSync, disk: WatchedDisk, tmp_path: Path, code: int
) -> None:
    disk.interrupt = failing_at("write below", code)
    whole.sync()
    assert whole.is_cheaper([str(tmp_path)] * MANY)


def test_a_loss_that_it_told_others_of_is_told_by_the_file_itself(
    tmp_path: Path,
) -> None:
    """The group that hears of it fails; the next ones are synced one by one."""
    disk = WatchedDisk(syncs=False)
    driver = FilesystemDriver(
        disk=disk,
        workers=Inline(),
        root=str(tmp_path),
        whole=always(disk, str(tmp_path)),
    )
    result_of(driver.apply([Put("a/a", b"")]))
    disk.interrupt = failing_at("sync file system", errno.EIO)
    with pytest.raises(StorageFailure):
        result_of(driver.apply([Put("a/b", b"")]))
    disk.calls.clear()
    result_of(driver.apply([Put("a/c", b"")]))
    assert "sync file system" not in verbs(disk)
    assert verbs(disk).count("sync") == 1
    assert "sync directory" in verbs(disk)
    result_of(driver.close())


# Where there is none.


@pytest.mark.parametrize(
    ("release", "is_known"),
    [
        ("6.1.0-18-amd64", True),
        ("5.17.0", True),
        ("5.16.20", False),
        ("5.4.0-150-generic", False),
        ("4.18.0-553.el8", False),
        ("unknown", False),
    ],
)
def test_a_kernel_that_does_not_tell_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, release: str, *, is_known: bool
) -> None:
    monkeypatch.setattr(platform, "release", lambda: release)
    monkeypatch.setattr(module, "_type_of", lambda _root: "ext4")
    whole = whole_sync(Disk(), str(tmp_path))
    assert isinstance(whole, FileSystemSync) is is_known
    whole.close()


@pytest.mark.parametrize(
    ("kind", "is_known"),
    [("ext4", True), ("xfs", True), ("btrfs", True), ("overlay", False)]
    + [(kind, False) for kind in ("nfs4", "zfs", "fuse.glusterfs", "tmpfs", None)],
)
def test_a_file_system_that_is_not_known_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: str | None,
    *,
    is_known: bool,
) -> None:
    monkeypatch.setattr(platform, "release", lambda: "6.1")
    monkeypatch.setattr(module, "_type_of", lambda _root: kind)
    whole = whole_sync(Disk(), str(tmp_path))
    assert isinstance(whole, FileSystemSync) is is_known
    whole.close()


def test_a_root_whose_life_cannot_be_asked_for_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(platform, "release", lambda: "6.1")
    monkeypatch.setattr(module, "_type_of", lambda _root: "ext4")
    disk = WatchedDisk(interrupt=failing_at("write below", errno.EOPNOTSUPP))
    assert whole_sync(disk, str(tmp_path)) is NO_WHOLE_SYNC


def test_other_systems_have_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert whole_sync(Disk(), str(tmp_path)) is NO_WHOLE_SYNC


def test_the_type_of_a_file_system_is_that_of_its_mount(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    device = os.stat(tmp_path).st_dev
    numbers = f"{os.major(device)}:{os.minor(device)}"
    lines = [
        "22 28 0:21 / /proc rw shared:13 - proc proc rw",
        f"28 1 {numbers} / /a\\\\040-\\\\040b rw shared:1 master:2 - xfs /dev/a rw",
    ]
    mounts = tmp_path / "mountinfo"
    mounts.write_text("\n".join(lines))
    monkeypatch.setattr(module, "MOUNTS", str(mounts))
    assert module._type_of(str(tmp_path)) == "xfs"
    mounts.write_text(lines[0])
    assert module._type_of(str(tmp_path)) is None
    mounts.unlink()
    monkeypatch.setattr(platform, "release", lambda: "6.1")
    assert whole_sync(Disk(), str(tmp_path)) is NO_WHOLE_SYNC


# Its descriptor.


def test_the_driver_lets_go_of_it(tmp_path: Path) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    driver = FilesystemDriver(
        disk=Disk(),
        workers=Inline(),
        root=str(tmp_path),
        whole=always(Disk(), str(tmp_path)),
    )
    assert sorted(os.listdir("/proc/self/fd")) != before
    result_of(driver.close())
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_once_closed_it_syncs_nothing(tmp_path: Path) -> None:
    """Its number may be that of another file by then."""
    whole = always(Disk(), str(tmp_path))
    whole.close()
    whole.close()
    assert not whole.is_cheaper([str(tmp_path)] * MANY)
    with pytest.raises(StorageFailure, match="closed"):
        whole.sync()


def test_it_is_closed_after_the_worker_that_syncs_it(tmp_path: Path) -> None:
    closing: list[Always] = []

    def close_meanwhile(_number: int, call: Call) -> None:
        if call.verb == "sync file system":
            closing[0].close()
            assert fcntl.fcntl(descriptor, fcntl.F_GETFD) == fcntl.FD_CLOEXEC

    disk = WatchedDisk(interrupt=close_meanwhile, syncs=False)
    whole = always(disk, str(tmp_path))
    descriptor = whole._root.fileno()
    closing.append(whole)
    whole.sync()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_no_child_gets_it(tmp_path: Path) -> None:
    whole = always(Disk(), str(tmp_path))
    assert not os.get_inheritable(whole._root.fileno())
    whole.close()


def test_the_call_itself_says_what_is_wrong(tmp_path: Path) -> None:
    with open(tmp_path / "file", "wb") as file:
        sync_file_system(file.fileno())
        number = file.fileno()
    with pytest.raises(OSError, match="Bad file descriptor") as raised:
        sync_file_system(number)
    assert raised.value.errno == errno.EBADF
