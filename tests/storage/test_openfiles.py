"""A file stays open for the next reader until it is replaced, removed or pushed out."""

import gc
import os
from pathlib import Path

import pytest

from registry.storage.disk import Disk
from registry.storage.driver import Content, Put, Remove
from registry.storage.filesystem import KEPT, FilesystemDriver
from registry.storage.workers import Inline
from registry.testing.results import result_of


@pytest.fixture
def driver(tmp_path: Path) -> FilesystemDriver:
    return FilesystemDriver(disk=Disk(), workers=Inline(), root=str(tmp_path / "root"))


def put(driver: FilesystemDriver, path: str, content: bytes) -> None:
    result_of(driver.apply([Put(path, content)]))


def read(content: Content) -> bytes:
    return result_of(content.read(0, content.size))


def test_two_readers_share_one_descriptor(driver: FilesystemDriver) -> None:
    put(driver, "d/a", b"0123456789")
    first, second = result_of(driver.open("d/a")), result_of(driver.open("d/a"))
    assert first.fileno() == second.fileno()
    first.close()
    assert read(second) == b"0123456789"


def test_a_replaced_file_is_opened_anew(driver: FilesystemDriver) -> None:
    put(driver, "d/a", b"old")
    before = result_of(driver.open("d/a"))
    put(driver, "d/a", b"newer")
    assert read(result_of(driver.open("d/a"))) == b"newer"
    assert read(before) == b"old"


@pytest.mark.parametrize("removed", ["d/a", "d"])
def test_a_removed_file_takes_no_room_once_its_readers_are_gone(
    driver: FilesystemDriver, removed: str
) -> None:
    put(driver, "d/a", b"0123456789")
    content = result_of(driver.open("d/a"))
    descriptor = content.fileno()
    result_of(driver.apply([Remove(removed)]))
    assert read(content) == b"0123456789"
    content.close()
    assert not os.path.exists(f"/proc/self/fd/{descriptor}")


def test_a_file_opened_while_something_changes_is_not_kept(tmp_path: Path) -> None:
    class Meddling(Disk):
        """Replaces the file between its opening and the end of the worker turn."""

        def open(self, path: str) -> tuple[int, int]:
            opened = super().open(path)
            if meddle:
                meddle.pop()
                put(driver, "d/a", b"newer")
            return opened

    meddle: list[bool] = []
    driver = FilesystemDriver(disk=Meddling(), workers=Inline(), root=str(tmp_path))
    put(driver, "d/a", b"old")
    meddle.append(True)
    assert read(result_of(driver.open("d/a"))) == b"old"
    assert read(result_of(driver.open("d/a"))) == b"newer"


def test_no_more_files_stay_open_than_the_limit(driver: FilesystemDriver) -> None:
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for number in range(KEPT + 20):
        put(driver, f"d/{number}", b"x")
    for number in range(KEPT + 20):
        result_of(driver.open(f"d/{number}")).close()
    assert len(os.listdir("/proc/self/fd")) == before + KEPT
    result_of(driver.close())
    assert len(os.listdir("/proc/self/fd")) == before
