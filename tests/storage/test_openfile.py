"""A descriptor lives until its last borrower is done, and no longer."""

import os
from pathlib import Path

import pytest

from registry.storage.disk import Disk
from registry.storage.driver import StorageFailure
from registry.storage.openfile import OpenFile


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "a").write_bytes(b"0123456789")
    return str(tmp_path / "a")


def opened(path: str) -> OpenFile:
    return OpenFile(disk=Disk(), path=path, opened=Disk().open(path))


def is_open(fd: int) -> bool:
    return os.path.exists(f"/proc/self/fd/{fd}")


def test_closing_waits_for_every_borrower(path: str) -> None:
    file = opened(path)
    fd = file.fileno()
    first, second = file.borrowed(file.read), file.borrowed(file.read)
    file.close()
    assert first(0, 3) == b"012"
    assert is_open(fd)
    assert second(3, 3) == b"345"
    assert not is_open(fd)


def test_a_borrower_that_fails_gives_back_too(path: str) -> None:
    file = opened(path)
    fd = file.fileno()
    reading = file.borrowed(file.read)
    file.close()
    with pytest.raises(StorageFailure, match="cut short"):
        reading(8, 5)
    assert not is_open(fd)


def test_a_closing_file_is_not_lent(path: str) -> None:
    file = opened(path)
    file.close()
    with pytest.raises(StorageFailure, match="open it again"):
        file.borrowed(file.read)
    with pytest.raises(StorageFailure, match="open it again"):
        file.fileno()


def test_closing_twice_does_not_close_what_came_after(path: str) -> None:
    file = opened(path)
    fd = file.fileno()
    file.close()
    later = opened(path)
    assert later.fileno() == fd
    file.close()
    assert later.read(0, 2) == b"01"
    later.close()


def test_a_forgotten_file_is_closed(path: str) -> None:
    file = opened(path)
    fd = file.fileno()
    del file
    assert not is_open(fd)
