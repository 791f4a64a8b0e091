"""Work in threads: its results, its failures, and what cancelling means."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, current_thread, main_thread

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults

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
from registry.storage.workers import Inline, WorkerPool

WAIT = 30
"""Seconds after which a test gives up; nothing waits so long when all is well."""


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(reactor=reactor, threads=4)
    pool.start()
    yield pool
    pool.stop()


@pytest_twisted.ensureDeferred
async def test_work_is_done_in_another_thread(pool: WorkerPool) -> None:
    thread = await pool.run(current_thread)
    assert thread is not main_thread()


@pytest_twisted.ensureDeferred
async def test_what_work_raises_reaches_who_waits(pool: WorkerPool) -> None:
    with pytest.raises(ZeroDivisionError):
        await pool.run(divmod, 1, 0)


@pytest_twisted.ensureDeferred
async def test_cancelling_waits_until_the_work_is_done(pool: WorkerPool) -> None:
    begun, may_end, ended = Event(), Event(), Event()

    def work() -> None:
        begun.set()
        may_end.wait(WAIT)
        ended.set()

    async def waiting() -> None:
        await pool.run(work)

    waits = Deferred.fromCoroutine(waiting())
    assert begun.wait(WAIT)
    waits.cancel()
    assert not waits.called or isinstance(waits.result, Deferred)
    may_end.set()
    with pytest.raises(CancelledError):
        await waits
    assert ended.is_set()


@pytest_twisted.ensureDeferred
async def test_work_after_the_end_fails_and_does_not_hang() -> None:
    pool = WorkerPool(reactor=reactor, threads=1)
    pool.start()
    pool.stop()
    with pytest.raises(StorageFailure, match="stopping"):
        await pool.run(current_thread)


@pytest_twisted.ensureDeferred
async def test_inline_work_is_done_at_once() -> None:
    assert Inline().run(current_thread).result is main_thread()
    with pytest.raises(ZeroDivisionError):
        await Inline().run(divmod, 1, 0)


@pytest_twisted.ensureDeferred
async def test_pushes_and_removals_at_once_in_one_place(
    pool: WorkerPool, tmp_path: Path
) -> None:
    """Directories come and go under each other's hands; no change fails or is lost."""
    driver = FilesystemDriver(disk=Disk(), workers=pool, root=str(tmp_path))

    async def push(number: int) -> None:
        await driver.apply([Create(f"u/{number}/data")])
        appender = await driver.append_to(f"u/{number}/data")
        await appender.append([b"%d" % number], [])
        await appender.close(flush=True)
        await driver.apply(
            [
                Move(f"u/{number}/data", f"blobs/a/{number}/data"),
                Put(f"kept/a/b/{number}/link", b"x"),
                Put("removed/a/b/link", b"x"),
                Remove(f"u/{number}"),
                Remove("removed"),
            ]
        )

    await gatherResults([Deferred.fromCoroutine(push(number)) for number in range(40)])
    paths = [f"blobs/a/{number}/data" for number in range(40)]
    assert await driver.read_many(paths) == [b"%d" % number for number in range(40)]
    assert len(await driver.names("kept/a/b")) == 40
    assert await driver.names("u") == []
    with pytest.raises(Absent):
        await driver.names("removed")
    assert await pool.run(_leftovers, tmp_path) == []


def _leftovers(root: Path) -> list[Path]:
    return list(root.rglob("*.tmp"))
