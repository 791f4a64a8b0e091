"""What the operating system says, in a driver's words."""

import errno
import os
from pathlib import Path

import pytest

from registry.storage.disk import Disk, Entry, translated
from registry.storage.driver import Absent, StorageFailure, StorageFull

CODES = sorted(errno.errorcode)


@pytest.mark.parametrize("code", CODES)
def test_only_two_errors_prove_absence(code: int) -> None:
    error = translated("open", "/root/d/a", OSError(code, os.strerror(code)))
    if code in (errno.ENOENT, errno.ENOTDIR):
        assert isinstance(error, Absent)
    else:
        assert isinstance(error, StorageFailure)
        assert isinstance(error, StorageFull) == (code in (errno.ENOSPC, errno.EDQUOT))


@pytest.mark.parametrize("code", sorted(set(CODES) - {errno.ENOENT, errno.ENOTDIR}))
def test_a_failure_names_the_path_and_says_what_to_do(code: int) -> None:
    message = str(translated("open", "/root/d/a", OSError(code, os.strerror(code))))
    problem, advice = message.split("; ", 1)
    assert problem == f"cannot open /root/d/a: {os.strerror(code)}"
    assert advice


def test_a_full_device_is_full() -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(StorageFull, match="free some space"):
            Disk().writev(fd, "/dev/full", [b"x"])
    finally:
        os.close(fd)


def test_a_missing_file_and_a_file_on_the_way_are_absence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "none/a", tmp_path / "file/a"):
        for call in (Disk().open, Disk().size, Disk().entries, Disk().unlink):
            with pytest.raises(Absent):
                call(str(path))


def test_a_loop_of_links_is_trouble_and_no_absence(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(StorageFailure, match="symbolic link"):
        Disk().open(str(tmp_path / "a"))


def test_a_name_that_is_too_long_is_trouble_and_no_absence(tmp_path: Path) -> None:
    with pytest.raises(StorageFailure):
        Disk().open(str(tmp_path / ("x" * 300)))


def test_nothing_is_created_over_what_is_there(tmp_path: Path) -> None:
    target = tmp_path / "outside"
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(StorageFailure, match="there already"):
        Disk().create(str(tmp_path / "link"))
    assert not target.exists()


def test_entries_tell_directories_from_links_to_them(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "directory")
    assert sorted(Disk().entries(str(tmp_path)), key=lambda e: e.name) == [
        Entry("directory", is_directory=True),
        Entry("file", is_directory=False),
        Entry("link", is_directory=False),
    ]


def test_a_directory_is_made_once_and_removed_when_empty(tmp_path: Path) -> None:
    path = str(tmp_path / "d")
    assert Disk().mkdir(path)
    assert not Disk().mkdir(path)
    (tmp_path / "d/a").touch()
    assert not Disk().rmdir(path)
    (tmp_path / "d/a").unlink()
    assert Disk().rmdir(path)
    with pytest.raises(Absent):
        Disk().rmdir(path)


def test_a_refused_file_leaves_no_descriptor(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(StorageFailure, match="directory is where a file belongs"):
        Disk().open(str(tmp_path))
    assert os.listdir("/proc/self/fd") == before
