"""One push's commit against the disk: its order, its failures, its end at any point."""

import errno
import os
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

import attrs
import pytest
from always import always

from registry.core.digest import Digest
from registry.core.name import RepositoryName
from registry.storage import layout
from registry.storage.changes import Changes as StorageChanges
from registry.storage.commit import Commit
from registry.storage.directories import Directories
from registry.storage.disk import Disk
from registry.storage.driver import (
    Absent,
    Change,
    Create,
    Discard,
    Move,
    Put,
    Remove,
    StorageFailure,
    StorageFull,
)
from registry.storage.filesystem import FilesystemDriver
from registry.storage.whole_sync import NO_WHOLE_SYNC
from registry.storage.workers import Inline
from registry.testing.results import result_of
from registry.testing.watched_disk import Call, Killed, WatchedDisk, failing, killing

APP = RepositoryName("app")
BLOB = b"content"
CANONICAL = Digest.of(BLOB)
ALIAS = Digest.of(BLOB, "sha512")
SESSION = "0f8fad5b-d9cb-469f-a165-70867728950e"
UPLOAD = layout.upload(APP, SESSION)
Changes = Sequence[Change]
LINKED: Changes = (
    Move(layout.upload_data(APP, SESSION), layout.blob_data(CANONICAL)),
    Put(layout.layer_link(APP, CANONICAL), str(CANONICAL).encode()),
    Put(layout.layer_link(APP, ALIAS), str(CANONICAL).encode()),
)
ALONE: Changes = (*LINKED, Remove(UPLOAD))
TOGETHER: Changes = (*LINKED, Discard(UPLOAD))

Tree = dict[str, bytes]


@attrs.frozen
class Way:
    """A list of changes, and whether the whole file system is synced for it."""

    changes: Changes
    is_whole: bool = False

    def driver_on(self, root: Path, disk: Disk) -> FilesystemDriver:
        whole = always(disk, str(root)) if self.is_whole else NO_WHOLE_SYNC
        return FilesystemDriver(
            disk=disk, workers=Inline(), root=str(root), whole=whole
        )


@pytest.fixture(
    params=[Way(ALONE), Way(TOGETHER), Way(TOGETHER, is_whole=True)],
    ids=["alone", "together", "together as a whole"],
)
def commit(request: pytest.FixtureRequest) -> Way:
    """A commit that goes alone, for it removes, and one that others may join."""
    way: Way = request.param
    return way


@pytest.fixture
def trees(tmp_path_factory: pytest.TempPathFactory) -> pytest.TempPathFactory:
    return tmp_path_factory


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with a finished upload, and an old link where the commit puts a new."""
    driver = driver_on(tmp_path, quick())

    async def prepare() -> None:
        data = layout.upload_data(APP, SESSION)
        await driver.apply([Create(data)])
        appender = await driver.append_to(data)
        await appender.append([BLOB], [])
        await appender.close(flush=True)
        await driver.apply(
            [
                Put(layout.upload_started(APP, SESSION), b"2026-01-02T03:04:05Z"),
                Put(layout.layer_link(APP, ALIAS), b"old"),
            ]
        )

    result_of(prepare())
    return tmp_path


def test_alone_each_change_is_durable_before_the_next(root: Path) -> None:
    disk = quick()
    driver = driver_on(root, disk)
    ground = [layout.blob_data(Digest.of(b"other")), layout.layer_link(APP, ALIAS)]
    result_of(driver.apply([Put(path, b"") for path in ground]))
    first = len(disk.calls)
    result_of(driver.apply(ALONE))

    blob = os.path.dirname(layout.blob_data(CANONICAL))
    link = os.path.dirname(layout.layer_link(APP, CANONICAL))
    alias = os.path.dirname(layout.layer_link(APP, ALIAS))
    assert told(disk, root, first) == [
        # the bytes
        f"append to {UPLOAD}/data",
        f"sync {UPLOAD}/data",
        f"close {UPLOAD}/data",
        # the name of the content, below directories made durable first
        f"make directory {above(blob)}",
        f"sync directory {above(above(blob))}",
        f"make directory {blob}",
        f"sync directory {above(blob)}",
        f"rename to {blob}/data",
        f"sync directory {blob}",
        # the link
        f"make directory {above(link)}",
        f"sync directory {above(above(link))}",
        f"make directory {link}",
        f"sync directory {above(link)}",
        f"create {link}/link.tmp",
        f"write {link}/link.tmp",
        f"sync {link}/link.tmp",
        f"close {link}/link.tmp",
        f"rename to {link}/link",
        f"sync directory {link}",
        # the alias, below directories that are known to be durable
        f"create {alias}/link.tmp",
        f"write {alias}/link.tmp",
        f"sync {alias}/link.tmp",
        f"close {alias}/link.tmp",
        f"rename to {alias}/link",
        f"sync directory {alias}",
        # the session
        f"stat {UPLOAD}",
        f"list {UPLOAD}",
        f"stat {UPLOAD}/startedat",
        f"unlink {UPLOAD}/startedat",
        f"remove directory {UPLOAD}",
        f"sync directory {above(UPLOAD)}",
    ]


def test_together_lists_share_the_syncs_of_directories(root: Path) -> None:
    disk = quick()
    driver = driver_on(root, disk)
    ground = [layout.blob_data(Digest.of(b"other")), layout.layer_link(APP, ALIAS)]
    result_of(driver.apply([Put(path, b"") for path in ground]))
    first = len(disk.calls)
    others = layout.upload_started(APP, "another")
    directories = Directories(disk=disk, root=str(root))
    changes = StorageChanges(disk=disk, root=str(root), directories=directories)
    directories.settled([str(root), *(str(p) for p in root.rglob("*"))])
    together = Commit(
        disk=disk,
        root=str(root),
        changes=changes,
        directories=directories,
        whole=NO_WHOLE_SYNC,
    )
    links = [Put(f"links/{number}", b"x") for number in range(2)]
    outcomes = together.carry_out([[links[0]], [links[1], Discard(others)]])
    assert outcomes == [None, None]
    assert told(disk, root, first) == [
        # a process that was killed may have left what is not on the disk yet
        f"sync file system {root}",
        # both are staged
        "make directory links",
        "create links/0.tmp",
        "write links/0.tmp",
        "make directory links",
        "create links/1.tmp",
        "write links/1.tmp",
        "sync links/0.tmp",
        "sync links/1.tmp",
        # both get their names, and one sync makes both last
        "rename to links/0",
        "close links/0.tmp",
        "rename to links/1",
        "close links/1.tmp",
        "sync directory links",
        f"sync directory {root}",
        # a leftover is removed without a sync
        f"stat {layout.upload_started(APP, 'another')}",
    ]


@pytest.mark.parametrize("ever_after", [False, True])
@pytest.mark.parametrize(
    ("code", "raised"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EIO, StorageFailure),
        (errno.EROFS, StorageFailure),
    ],
)
def test_a_failure_at_any_call_leaves_a_prefix(
    root: Path,
    trees: pytest.TempPathFactory,
    commit: Way,
    code: int,
    raised: type[StorageFailure],
    ever_after: bool,
) -> None:
    allowed = prefixes(root, trees, commit)
    calls = calls_of_a_commit(root, trees, commit)
    for number, call in enumerate(calls):
        tree = copied(root, trees)
        interrupt = failing(code, at=number, ever_after=ever_after)
        driver = commit.driver_on(tree, WatchedDisk(interrupt=interrupt, syncs=False))
        before = os.listdir("/proc/self/fd")
        if call.verb == "close" and not ever_after:
            result_of(driver.apply(commit.changes))  # all was synced before
        elif call.verb == "write below" and raised is StorageFull:
            with suppress(StorageFull) if ever_after else nullcontext():
                result_of(driver.apply(commit.changes))  # it is alive, and full
        else:
            with pytest.raises(StorageFailure) as found:
                result_of(driver.apply(commit.changes))
            assert found.type is raised, call
            assert str(tree) in str(found.value)
        assert os.listdir("/proc/self/fd") == before
        assert content_of(tree) in allowed, call
        if not ever_after:
            assert leftovers(tree) == [], call
        result_of(driver.close())


def test_an_end_at_any_call_leaves_a_prefix_that_a_restart_can_use(
    root: Path, trees: pytest.TempPathFactory, commit: Way
) -> None:
    allowed = prefixes(root, trees, commit)
    for number, call in enumerate(calls_of_a_commit(root, trees, commit)):
        tree = copied(root, trees)
        disk = WatchedDisk(interrupt=killing(at=number), syncs=False)
        with pytest.raises(Killed):
            result_of(commit.driver_on(tree, disk).apply(commit.changes))
        disk.interrupt = lambda _number, _call: None  # the kernel closes what is open
        assert content_of(tree) in allowed, call
        result_of(again(commit.driver_on(tree, quick()), commit))
        assert content_of(tree) == allowed[-1], call


def test_a_file_whose_sync_failed_is_not_trusted_again(
    root: Path, trees: pytest.TempPathFactory, commit: Way
) -> None:
    """The kernel forgets the lost pages after it has reported them once."""
    verbs = [call.verb for call in calls_of_a_commit(root, trees, commit)]
    first = verbs.index("sync file system" if commit.is_whole else "sync", 1)
    interrupt = failing(errno.EIO, at=first, ever_after=False)
    driver = commit.driver_on(root, WatchedDisk(interrupt=interrupt, syncs=False))
    for _ in range(2):
        with pytest.raises(StorageFailure, match=r"failing|send it again"):
            result_of(driver.apply(commit.changes))

    async def send_anew() -> None:
        await driver.apply([Remove(UPLOAD)])
        await driver.apply([Create(layout.upload_data(APP, SESSION))])
        await driver.apply(commit.changes)

    result_of(send_anew())
    assert result_of(driver.read(layout.blob_data(CANONICAL))) == b""


async def again(driver: FilesystemDriver, commit: Way) -> None:
    """Do what a restarted registry does with the same session."""
    try:
        await driver.apply(commit.changes)
    except Absent:
        await driver.apply(commit.changes[1:])


def prefixes(root: Path, trees: pytest.TempPathFactory, commit: Way) -> list[Tree]:
    """What the tree may hold, from before the commit to after it.

    The session is several files, so there are steps within its removal.
    """
    *linked, last = commit.changes
    steps: list[Change] = [*linked, Remove(f"{UPLOAD}/startedat"), last]
    tree = copied(root, trees)
    found = [content_of(tree)]
    for change in steps:
        result_of(driver_on(tree, quick()).apply([change]))
        found.append(content_of(tree))
    assert found[0] != found[1] != found[2] != found[3] != found[4]
    return found


def calls_of_a_commit(
    root: Path, trees: pytest.TempPathFactory, commit: Way
) -> list[Call]:
    disk = quick()
    driver = commit.driver_on(copied(root, trees), disk)
    result_of(driver.apply(commit.changes))
    calls = list(disk.calls)
    result_of(driver.close())
    return calls


def copied(root: Path, trees: pytest.TempPathFactory) -> Path:
    tree = trees.mktemp("tree")
    for file in files(root):
        copy = tree / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    return tree


def content_of(tree: Path) -> Tree:
    return {
        str(file.relative_to(tree)): file.read_bytes()
        for file in files(tree)
        if file.suffix != ".tmp"
    }


def leftovers(tree: Path) -> list[Path]:
    return [file for file in files(tree) if file.suffix == ".tmp"]


def files(tree: Path) -> list[Path]:
    return [path for path in tree.rglob("*") if path.is_file()]


def told(disk: WatchedDisk, root: Path, first: int) -> list[str]:
    """The calls, with paths below the root and without the unique part of a name."""
    return [f"{call.verb} {plain(call.path, root)}" for call in disk.calls[first:]]


def plain(path: str, root: Path) -> str:
    path = path.removeprefix(f"{root}/")
    if path.endswith(".tmp"):
        return path.split(".")[0] + ".tmp"
    return path


def above(path: str) -> str:
    return os.path.dirname(path)


def quick() -> WatchedDisk:
    """A disk that waits for nothing, for nothing cuts the power here."""
    return WatchedDisk(syncs=False)


def driver_on(root: Path, disk: Disk) -> FilesystemDriver:
    return Way(()).driver_on(root, disk)
