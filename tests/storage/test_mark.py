"""The mark says how the last run ended, and since when nothing is certain."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from registry.storage.disk import Disk
from registry.storage.driver import StorageFailure
from registry.storage.mark import (
    MARGIN,
    RUNNING,
    STORE,
    Mark,
    is_store,
    may_be_served,
    require_store,
)
from registry.testing.watched_disk import Call, Killed, WatchedDisk, killing

LIFE = 1_700_000_000.0


def mark(root: Path, disk: Disk | None = None) -> Mark:
    """The mark of a run that begins."""
    names = iter(["first", "second", "third"])
    return Mark(disk=disk or Disk(), root=str(root), new_id=lambda: next(names))


def last_seen(root: Path, when: float = LIFE) -> None:
    """Have the last sign of life be ``when``."""
    os.utime(root / RUNNING, (when, when))


def test_a_first_run_has_nothing_to_look_through(tmp_path: Path) -> None:
    assert mark(tmp_path).unchecked is None
    assert (tmp_path / STORE).read_text() == "first\n"


def test_a_clean_stop_leaves_no_mark_and_the_id(tmp_path: Path) -> None:
    mark(tmp_path).close()
    assert os.listdir(tmp_path / "_registry") == ["store"]
    again = mark(tmp_path)
    assert (again.id, again.unchecked) == ("first", None)


def test_after_an_unclean_stop_the_last_minutes_are_in_doubt(tmp_path: Path) -> None:
    mark(tmp_path)
    last_seen(tmp_path)
    assert mark(tmp_path).unchecked == LIFE - MARGIN


def test_a_sign_of_life_moves_the_moment(tmp_path: Path) -> None:
    running = mark(tmp_path)
    last_seen(tmp_path)
    running.beat()
    assert (mark(tmp_path).unchecked or 0) > LIFE


def test_what_was_not_looked_through_stays_in_doubt_over_further_ends(
    tmp_path: Path,
) -> None:
    mark(tmp_path)
    last_seen(tmp_path)
    mark(tmp_path)
    second = mark(tmp_path)
    assert second.unchecked == LIFE - MARGIN
    second.close()
    assert mark(tmp_path).unchecked == LIFE - MARGIN


def test_what_was_looked_through_is_not_in_doubt(tmp_path: Path) -> None:
    mark(tmp_path)
    last_seen(tmp_path)
    again = mark(tmp_path)
    again.checked()
    last_seen(tmp_path, LIFE + 5000)
    assert mark(tmp_path).unchecked == LIFE + 5000 - MARGIN


@pytest.mark.parametrize(
    "torn", ["", "{", "[]", "null", '{"unchecked": "x"}', '{"unchecked": []}', "\0" * 9]
)
def test_a_torn_mark_counts_as_a_mark(tmp_path: Path, torn: str) -> None:
    mark(tmp_path)
    (tmp_path / RUNNING).write_text(torn)
    last_seen(tmp_path)
    assert mark(tmp_path).unchecked == LIFE - MARGIN


def test_a_torn_id_is_made_anew(tmp_path: Path) -> None:
    mark(tmp_path)
    (tmp_path / STORE).write_text("")
    again = mark(tmp_path)
    assert again.id
    assert (tmp_path / STORE).read_text() == f"{again.id}\n"


def test_the_mark_is_durable_before_anything_else_is_done(tmp_path: Path) -> None:
    """Sync of the file, rename, sync of the directory."""
    disk = WatchedDisk()
    mark(tmp_path, disk)
    verbs = [call.verb for call in disk.calls if "running" in call.path]
    assert verbs.index("sync") < verbs.index("rename to")
    last = [call.verb for call in disk.calls if call.path.endswith("_registry")][-1]
    assert last == "sync directory"


@pytest.mark.parametrize("at", range(60))
def test_a_cut_at_any_moment_leaves_a_mark_or_none(tmp_path: Path, at: int) -> None:
    (tmp_path / "_registry").mkdir()
    with suppress(Killed):
        mark(tmp_path, WatchedDisk(interrupt=killing(at=at))).close()
    again = mark(tmp_path)
    assert again.id in ("first", "second")
    assert json.loads((tmp_path / RUNNING).read_text())["pid"] == os.getpid()


def test_a_removed_mark_is_made_again(tmp_path: Path) -> None:
    running = mark(tmp_path)
    (tmp_path / RUNNING).unlink()
    running.beat()
    assert (tmp_path / RUNNING).exists()
    running.close()
    running.close()
    assert not (tmp_path / RUNNING).exists()


def test_a_full_disk_keeps_nobody_from_serving(tmp_path: Path) -> None:
    def fill(_number: int, call: Call) -> None:
        if call.verb in ("create", "write"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    disk = WatchedDisk(interrupt=fill)
    running = mark(tmp_path, disk)
    assert running.unchecked is None
    assert not (tmp_path / RUNNING).exists()
    disk.interrupt = lambda _number, _call: None
    running.beat()
    assert (tmp_path / RUNNING).exists()


def test_a_root_that_has_gone_is_not_made_by_a_sign_of_life(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    running = mark(root)
    root.rename(tmp_path / "elsewhere")
    with pytest.raises(StorageFailure):
        running.beat()
    assert os.listdir(tmp_path) == ["elsewhere"]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda _: None, False),
        (lambda root: (root / "notes").mkdir(), False),
        (lambda root: (root / "docker/registry/v2").mkdir(parents=True), True),
        (mark, True),
    ],
    ids=["empty", "foreign", "of Distribution", "ours"],
)
def test_what_a_store_is(
    tmp_path: Path, make: Callable[[Path], object], expected: bool
) -> None:
    make(tmp_path)
    assert is_store(str(tmp_path)) is expected
    if expected:
        require_store(str(tmp_path))
    else:
        with pytest.raises(StorageFailure, match="mount the disk"):
            require_store(str(tmp_path))


def test_a_store_is_served_until_its_mark_says_otherwise(tmp_path: Path) -> None:
    assert may_be_served(str(tmp_path))
    running = mark(tmp_path)
    assert may_be_served(str(tmp_path))
    running.close()
    assert not may_be_served(str(tmp_path))


def full(_number: int, call: Call) -> None:
    """Whatever needs room fails: nothing can be written."""
    if call.verb == "write":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_run_begins_on_a_full_disk_and_the_last_one_is_not_forgotten(
    tmp_path: Path,
) -> None:
    mark(tmp_path)
    last_seen(tmp_path)
    before = (tmp_path / RUNNING).read_text()
    disk = WatchedDisk(interrupt=full)
    running = mark(tmp_path, disk)
    assert running.unchecked == LIFE - MARGIN
    assert running.started > LIFE
    running.beat()
    assert (tmp_path / RUNNING).read_text() == before
    assert (tmp_path / RUNNING).stat().st_mtime == LIFE
    assert mark(tmp_path).unchecked == LIFE - MARGIN
    last_seen(tmp_path)
    disk.interrupt = lambda _number, _call: None
    running.beat()
    assert json.loads((tmp_path / RUNNING).read_text())["unchecked"] == LIFE - MARGIN
