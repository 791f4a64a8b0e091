"""Directories are durable from the first that existed to the last."""

import os
import shutil
from pathlib import Path

import pytest

from registry.storage.directories import Directories
from registry.testing.watched_disk import WatchedDisk


@pytest.fixture
def disk() -> WatchedDisk:
    return WatchedDisk()


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "new/root")


@pytest.fixture
def directories(disk: WatchedDisk, root: str) -> Directories:
    return Directories(disk=disk, root=root)


def synced(disk: WatchedDisk) -> list[str]:
    return [call.path for call in disk.calls if call.verb == "sync directory"]


def test_every_parent_is_synced_down_from_the_first_that_existed(
    disk: WatchedDisk, directories: Directories, root: str, tmp_path: Path
) -> None:
    directories.settle(f"{root}/a/b")
    new = str(tmp_path / "new")
    assert synced(disk) == [str(tmp_path), new, root, f"{root}/a"]
    assert os.path.isdir(f"{root}/a/b")


def test_what_is_known_costs_no_call(
    disk: WatchedDisk, directories: Directories, root: str
) -> None:
    directories.settle(f"{root}/a/b")
    disk.calls.clear()
    directories.settle(f"{root}/a/b")
    directories.settle(f"{root}/a")
    assert disk.calls == []


def test_what_another_made_and_did_not_sync_is_synced(
    disk: WatchedDisk, directories: Directories, root: str
) -> None:
    directories.settle(root)
    disk.calls.clear()
    directories.make(f"{root}/a/b")
    assert synced(disk) == []
    directories.settle(f"{root}/a/b")
    assert synced(disk) == [root, f"{root}/a"]


def test_an_existing_root_is_trusted(disk: WatchedDisk, tmp_path: Path) -> None:
    Directories(disk=disk, root=str(tmp_path)).settle(f"{tmp_path}/a")
    assert synced(disk) == [str(tmp_path)]


def test_what_is_forgotten_is_made_again(
    disk: WatchedDisk, directories: Directories, root: str
) -> None:
    directories.settle(f"{root}/a/b")
    directories.forget(f"{root}/a/b")
    shutil.rmtree(f"{root}/a/b")
    disk.calls.clear()
    directories.settle(f"{root}/a/b")
    assert synced(disk) == [f"{root}/a"]
    assert os.path.isdir(f"{root}/a/b")


def test_what_is_remembered_is_bounded(disk: WatchedDisk, root: str) -> None:
    directories = Directories(disk=disk, root=root, limit=5)
    directories.settle(f"{root}/first")
    for number in range(5):
        directories.settle(f"{root}/{number}")
    disk.calls.clear()
    directories.settle(f"{root}/first")
    assert f"{root}/first" in [call.path for call in disk.calls]
