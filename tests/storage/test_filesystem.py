"""The filesystem driver keeps the contract, and Distribution's ways on disk."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.core.digest import Digest
from registry.core.name import RepositoryName, Tag
from registry.storage import layout
from registry.storage.disk import Disk
from registry.storage.driver import (
    Absent,
    Create,
    Move,
    Put,
    Remove,
    StorageFailure,
)
from registry.storage.filesystem import FilesystemDriver
from registry.storage.workers import Inline
from registry.testing.driver_contract import DriverContract
from registry.testing.results import result_of
from registry.testing.watched_disk import Call, WatchedDisk

APP = RepositoryName("team/app")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def driver(root: Path) -> FilesystemDriver:
    return driver_on(root, Disk())


def driver_on(root: Path, disk: Disk) -> FilesystemDriver:
    return FilesystemDriver(disk=disk, workers=Inline(), root=str(root))


class TestFilesystemDriver(DriverContract):
    """The contract that every driver keeps."""


@pytest.fixture(params=[0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_a_link_on_disk_is_the_digest_and_no_newline(
    root: Path, driver: FilesystemDriver
) -> None:
    digest = Digest.of(b"{}")
    link = layout.tag_current(APP, Tag("v1"))
    result_of(driver.apply([Put(link, str(digest).encode())]))
    where = root / "docker/registry/v2/repositories/team/app/_manifests/tags/v1/current"
    assert (where / "link").read_bytes() == b"sha256:" + digest.hex.encode()
    assert os.listdir(where) == ["link"]


def test_modes_are_those_of_the_umask(
    root: Path, driver: FilesystemDriver, umask: int
) -> None:
    async def upload() -> None:
        await driver.apply([Create("u/data")])
        await driver.apply([Put("d/e/link", b""), Move("u/data", "b/data")])

    result_of(upload())
    for directory in (root, root / "u", root / "d", root / "d/e", root / "b"):
        assert directory.stat().st_mode & 0o7777 == 0o777 & ~umask
    for file in (root / "d/e/link", root / "b/data"):
        assert file.stat().st_mode & 0o7777 == 0o666 & ~umask


def test_reads_what_another_registry_wrote(
    root: Path, driver: FilesystemDriver
) -> None:
    tags = root / layout.tags(APP)
    (tags / "v1/current").mkdir(parents=True)
    (tags / "v1/current/link").write_bytes(b"sha256:00")
    (tags / "v1/current/link.5f8f4b1e-8e4e-4c0b-9f0e-1f8f4b1e8e4e.tmp").touch()
    (root / "lost+found").mkdir()
    assert result_of(driver.names(layout.tags(APP))) == ["v1"]
    assert result_of(driver.names(f"{layout.tags(APP)}/v1/current")) == ["link"]
    assert result_of(driver.read(f"{layout.tags(APP)}/v1/current/link")) == b"sha256:00"


def test_names_that_no_path_can_have_are_not_listed(
    root: Path, driver: FilesystemDriver
) -> None:
    root.mkdir()
    for name in ("good", "lost+found", "a b", "größe", os.fsdecode(b"\xff")):
        (root / "d" / name).mkdir(parents=True)
    assert result_of(driver.names("d")) == ["good"]


def test_a_put_leaves_no_temporary_file(root: Path, driver: FilesystemDriver) -> None:
    result_of(driver.apply([Put("d/a", b"1"), Put("d/a", b"2")]))
    assert os.listdir(root / "d") == ["a"]


def test_open_content_has_a_descriptor_for_sendfile(
    driver: FilesystemDriver,
) -> None:
    result_of(driver.apply([Put("d/a", b"0123456789")]))
    content = result_of(driver.open("d/a"))
    descriptor = content.fileno()
    assert descriptor is not None
    assert os.pread(descriptor, 4, 2) == b"2345"
    assert content.held is None
    content.close()
    with pytest.raises(StorageFailure, match="closed"):
        content.fileno()
    with pytest.raises(StorageFailure, match="closed"):
        result_of(content.read(0, 1))


def test_content_cut_short_under_a_reader_is_a_failure(
    root: Path, driver: FilesystemDriver
) -> None:
    result_of(driver.apply([Put("d/a", b"0123456789")]))
    content = result_of(driver.open("d/a"))
    os.truncate(root / "d/a", 5)
    with pytest.raises(StorageFailure, match="cut short"):
        result_of(content.read(0, 10))
    content.close()


def test_closing_the_driver_closes_every_file(driver: FilesystemDriver) -> None:
    before = open_descriptors()
    result_of(driver.apply([Put("d/a", b"0123456789")]))
    held = [result_of(driver.open("d/a")), result_of(driver.append_to("d/a"))]
    assert len(open_descriptors()) == len(before) + 2
    result_of(driver.close())
    assert open_descriptors() == before
    assert len(held) == 2


def test_no_operation_leaks_a_descriptor(driver: FilesystemDriver) -> None:
    async def everything() -> None:
        await driver.apply([Put("d/a", b"1"), Move("d/a", "d/b"), Remove("d/none")])
        await driver.read_many(["d/b", "d/none"])
        await driver.digest_of("d/b", [])
        await driver.apply([Create("u/data")])
        appender = await driver.append_to("u/data")
        await appender.append([b"1"], [])
        await appender.close(flush=True)
        await driver.names("d")
        await driver.probe()

    before = open_descriptors()
    result_of(everything())
    assert open_descriptors() == before


def test_a_missing_root_fails_the_probe(root: Path, driver: FilesystemDriver) -> None:
    with pytest.raises(StorageFailure, match="create it or mount it"):
        result_of(driver.probe())
    root.write_bytes(b"a file")
    with pytest.raises(StorageFailure):
        result_of(driver.probe())


def test_no_symbolic_link_leads_a_write_out_of_the_root(
    tmp_path: Path, root: Path, driver: FilesystemDriver
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    (root / "d").mkdir(parents=True)
    (root / "d/a").symlink_to(outside)
    with pytest.raises(StorageFailure, match="symbolic link"):
        result_of(driver.append_to("d/a"))
    with pytest.raises(StorageFailure, match="symbolic link"):
        result_of(driver.apply([Move("d/a", "d/b")]))
    with pytest.raises(StorageFailure):
        result_of(driver.apply([Create("d/a")]))
    result_of(driver.apply([Put("d/a", b"new")]))
    assert outside.read_bytes() == b"precious"
    assert result_of(driver.read("d/a")) == b"new"


def test_removal_takes_a_symbolic_link_and_not_what_it_points_at(
    tmp_path: Path, root: Path, driver: FilesystemDriver
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    (root / "d/e").mkdir(parents=True)
    (root / "d/e/a").symlink_to(outside)
    (root / "b").symlink_to(outside)
    result_of(driver.apply([Remove("d"), Remove("b")]))
    assert (outside / "precious").exists()
    assert os.listdir(root) == []


def test_a_pipe_in_the_tree_does_not_hold_a_worker(
    root: Path, driver: FilesystemDriver
) -> None:
    (root / "d").mkdir(parents=True)
    os.mkfifo(root / "d/pipe")
    for asked in (driver.read("d/pipe"), driver.append_to("d/pipe")):
        with pytest.raises(StorageFailure):
            result_of(asked)


def test_a_directory_that_came_anew_during_a_put_is_durable_after_it(
    root: Path,
) -> None:
    """It was known to be durable; since then it was removed, and made by another."""
    disk = WatchedDisk()
    driver = driver_on(root, disk)
    result_of(driver.apply([Put("d/e/other", b"")]))

    def replace_once(_number: int, call: Call) -> None:
        if call.verb == "create":
            disk.interrupt = lambda _number, _call: None
            result_of(driver.apply([Remove("d/e")]))
            (root / "d/e").mkdir()
            disk.calls.clear()

    disk.interrupt = replace_once
    result_of(driver.apply([Put("d/e/a", b"here")]))
    after_rename = disk.calls[[call.verb for call in disk.calls].index("rename to") :]
    assert Call("sync directory", f"{root}/d") in after_rename


@pytest.mark.parametrize("verb", ["create", "rename to", "sync directory"])
@pytest.mark.parametrize("made_before", [False, True])
def test_a_put_survives_that_its_directory_is_removed_meanwhile(
    root: Path, verb: str, made_before: bool
) -> None:
    disk = WatchedDisk()
    driver = driver_on(root, disk)
    if made_before:
        result_of(driver.apply([Put("d/e/other", b"")]))

    def remove_once(_number: int, call: Call) -> None:
        if call.verb == verb and call.path.startswith(f"{root}/d/e"):
            disk.interrupt = lambda _number, _call: None
            shutil.rmtree(root / "d", ignore_errors=True)

    disk.interrupt = remove_once
    result_of(driver.apply([Put("d/e/a", b"here")]))
    assert result_of(driver.read("d/e/a")) == b"here"


def test_a_directory_that_always_vanishes_is_a_failure_and_no_absence(
    root: Path,
) -> None:
    def remove(_number: int, call: Call) -> None:
        if call.verb in ("create", "rename to"):
            shutil.rmtree(root / "d")

    driver = driver_on(root, WatchedDisk(interrupt=remove))
    with pytest.raises(StorageFailure, match="vanishes"):
        result_of(driver.apply([Put("d/e/a", b"")]))
    with pytest.raises(StorageFailure, match="vanishes"):
        result_of(driver.apply([Create("d/e/a")]))


def test_removal_takes_what_appears_meanwhile(root: Path) -> None:
    disk = WatchedDisk()
    driver = driver_on(root, disk)
    result_of(driver.apply([Put("d/a", b"")]))

    def add_once(_number: int, call: Call) -> None:
        if call.verb == "remove directory":
            disk.interrupt = lambda _number, _call: None
            (root / "d/late").touch()

    disk.interrupt = add_once
    result_of(driver.apply([Remove("d")]))
    assert not (root / "d").exists()


def test_removal_of_what_never_stops_appearing_is_a_failure(root: Path) -> None:
    disk = WatchedDisk()
    driver = driver_on(root, disk)
    result_of(driver.apply([Put("d/a", b"")]))

    def add(number: int, call: Call) -> None:
        if call.verb == "remove directory":
            (root / f"d/late{number}").touch()

    disk.interrupt = add
    with pytest.raises(StorageFailure, match="stop what else writes there"):
        result_of(driver.apply([Remove("d")]))


def test_removal_tolerates_that_others_remove_too(root: Path) -> None:
    disk = WatchedDisk()
    driver = driver_on(root, disk)
    result_of(driver.apply([Put("d/a", b""), Put("d/b/c", b"")]))

    def remove(_number: int, call: Call) -> None:
        if call.verb == "unlink":
            shutil.rmtree(root / "d", ignore_errors=True)

    disk.interrupt = remove
    result_of(driver.apply([Remove("d")]))
    with pytest.raises(Absent):
        result_of(driver.names("d"))


def open_descriptors() -> list[str]:
    gc.collect()  # other tests' forgotten files are not to be counted
    return sorted(os.listdir("/proc/self/fd"))
