"""What the model of a disk that loses its power says can be left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from registry.testing.power_cut import Remains, Story
from registry.testing.recorded_disk import RecordedDisk

Tree = dict[str, bytes | None]


@pytest.fixture
def disk(tmp_path: Path) -> RecordedDisk:
    return RecordedDisk(root=str(tmp_path))


@pytest.fixture
def at(tmp_path: Path) -> Callable[[str], str]:
    return lambda path: f"{tmp_path}/{path}"


def write(disk: RecordedDisk, path: str, content: bytes, *, sync: bool = False) -> None:
    fd, _ = disk.create(path)
    disk.writev(fd, path, [content])
    if sync:
        disk.fsync(fd, path)
    disk.close(fd, path)


def tree(story: Story, remains: Remains) -> Tree:
    return {p: k and story.content(k) for p, k in remains.items()}


def worst(disk: RecordedDisk) -> Tree:
    story = Story(disk.steps)
    return tree(story, story.worst(len(disk.steps)))


def all_trees(disk: RecordedDisk) -> list[Tree]:
    story, random = Story(disk.steps), Random(1)
    position = len(disk.steps)
    return [tree(story, r) for r in story.remains(position, random, 200)]


def test_what_is_synced_is_left_and_nothing_else_for_sure(
    disk: RecordedDisk, at: Callable[[str], str], tmp_path: Path
) -> None:
    write(disk, at("a"), b"bytes", sync=True)
    write(disk, at("b"), b"bytes")
    assert worst(disk) == {}
    disk.fsync_directory(str(tmp_path))
    assert worst(disk) == {"a": b"bytes", "b": b""}
    assert {"a": b"bytes", "b": b"bytes"} in all_trees(disk)


def test_bytes_may_be_lost_from_any_byte_on_with_zeros_in_their_place(
    disk: RecordedDisk, at: Callable[[str], str], tmp_path: Path
) -> None:
    write(disk, at("a"), b"12")
    fd, _ = disk.open_to_append(at("a"))
    disk.fsync(fd, at("a"))
    disk.writev(fd, at("a"), [b"3", b"4"])
    disk.fsync_directory(str(tmp_path))
    found = {each["a"] for each in all_trees(disk)}
    assert found == {b"12", b"12\0", b"12\0\0", b"123", b"123\0", b"1234"}
    disk.close(fd, at("a"))


def test_a_directory_is_only_as_durable_as_its_own_name(
    disk: RecordedDisk, at: Callable[[str], str], tmp_path: Path
) -> None:
    disk.mkdir(at("d"))
    write(disk, at("d/a"), b"", sync=True)
    disk.fsync_directory(at("d"))
    assert worst(disk) == {}
    disk.fsync_directory(str(tmp_path))
    assert worst(disk) == {"d": None, "d/a": b""}


def test_a_file_that_is_renamed_is_at_one_place(
    disk: RecordedDisk, at: Callable[[str], str]
) -> None:
    for directory in ("old", "new"):
        disk.mkdir(at(directory))
    write(disk, at("old/a"), b"", sync=True)
    for directory in ("", "old"):
        disk.fsync_directory(at(directory))
    disk.rename(at("old/a"), at("new/b"))
    before: Tree = {"old": None, "old/a": b"", "new": None}
    after: Tree = {"old": None, "new": None, "new/b": b""}
    trees = all_trees(disk)
    assert before in trees
    assert after in trees
    assert all(each in (before, after) for each in trees)
    disk.fsync_directory(at("new"))
    assert worst(disk) == after


def test_changes_of_one_directory_keep_their_order(
    disk: RecordedDisk, at: Callable[[str], str]
) -> None:
    for name in "abc":
        write(disk, at(name), b"")
    disk.unlink(at("a"))
    kept = {"".join(sorted(each)) for each in all_trees(disk)}
    assert kept == {"", "a", "ab", "abc", "bc"}


def test_directories_keep_theirs_apart(
    disk: RecordedDisk, at: Callable[[str], str], tmp_path: Path
) -> None:
    for name in "de":
        disk.mkdir(at(name))
    disk.fsync_directory(str(tmp_path))
    write(disk, at("d/a"), b"")
    write(disk, at("e/a"), b"")
    trees = all_trees(disk)
    assert any("d/a" in each and "e/a" not in each for each in trees)
    assert any("d/a" not in each and "e/a" in each for each in trees)


def test_a_sync_of_all_leaves_no_doubt(
    disk: RecordedDisk, at: Callable[[str], str], tmp_path: Path
) -> None:
    disk.mkdir(at("d"))
    write(disk, at("d/a"), b"bytes")
    disk.rename(at("d/a"), at("b"))
    disk.sync_tree(str(tmp_path))
    assert all(each == {"d": None, "b": b"bytes"} for each in all_trees(disk))


def test_a_removed_tree_may_come_back_until_its_name_is_synced(
    disk: RecordedDisk, at: Callable[[str], str], tmp_path: Path
) -> None:
    disk.mkdir(at("d"))
    disk.fsync_directory(str(tmp_path))
    disk.rmdir(at("d"))
    assert worst(disk) == {"d": None}
    disk.fsync_directory(str(tmp_path))
    assert all(each == {} for each in all_trees(disk))


def test_a_kind_of_call_that_it_does_not_know_is_no_surprise(
    disk: RecordedDisk, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match="'scribble on'"):
        disk.call("scribble on", str(tmp_path), lambda: None)
