"""Room on the disk: what is promised fits, and the reserve stays free."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from registry.core.errors import NoRoom
from registry.core.share import Share
from registry.repository.room import FRESH, SHORT, Promise, Reserve, Room
from registry.storage.driver import Space, StorageFailure
from registry.storage.memory import MemoryDriver
from registry.testing.results import result_of


class SmallDisk(MemoryDriver):
    """A disk with so much free, and how often it was asked."""

    def __init__(self, free: int, *, files: int | None = None, block: int = 0) -> None:
        super().__init__()
        self.now = Space(
            free=free, size=10_000, block=block, free_files=files, files=files and 1000
        )
        self.asked = 0
        self.waiting: list[Deferred[None]] | None = None

    def use(self, size: int) -> None:
        """Somebody writes, or with less than nothing removes, so many bytes."""
        self.now = attrs.evolve(self.now, free=self.now.free - size)

    async def space(self) -> Space | None:  # type: ignore[override]
        self.asked += 1
        said = self.now
        if self.waiting is not None:
            self.waiting.append(Deferred())
            await self.waiting[-1]
        return said


@attrs.define
class Setting:
    disk: SmallDisk
    clock: Clock
    room: Room

    def promise(self, size: int, files: int = 0) -> Promise:
        return result_of(self.room.promise(size, files=files))

    def refusal(self, size: int, files: int = 0) -> NoRoom:
        with pytest.raises(NoRoom) as refused:
            self.promise(size, files)
        return refused.value


def a_room(free: int, *, reserve: int = 0, **options: Any) -> Setting:
    disk, clock = SmallDisk(free, **options), Clock()
    room = Room(driver=disk, clock=clock, reserve=Reserve(size=Share(reserve)))
    return Setting(disk, clock, room)


def test_what_fits_beside_the_reserve_is_promised() -> None:
    a_room(100, reserve=40).promise(60)


def test_a_refusal_says_what_is_free_what_is_needed_and_what_to_do() -> None:
    setting = a_room(100, reserve=40)
    setting.promise(10)
    refusal = setting.refusal(51)
    assert refusal.detail == {
        "unit": "bytes",
        "needed": 51,
        "free": 100,
        "promised": 10,
        "reserve": 40,
    }
    assert "needs 51 bytes; 100 are free" in refusal.message
    assert "ask the registry's operator to make room" in refusal.message


def test_pushes_that_fit_one_by_one_are_not_let_in_together() -> None:
    setting = a_room(1000)
    promises = [setting.promise(300) for _ in range(3)]
    setting.refusal(300)
    with promises[0]:
        pass
    setting.promise(300)


def test_what_is_written_is_no_longer_promised_and_no_longer_free() -> None:
    setting = a_room(1000)
    with setting.promise(600) as promise:
        setting.disk.use(600)
        promise.written(600)
        setting.refusal(401)
        setting.clock.advance(FRESH + 1)
        setting.promise(400)


def test_a_push_that_breaks_off_gives_back_what_it_did_not_write() -> None:
    setting = a_room(1000)
    with setting.promise(900) as promise:
        promise.written(100)
        setting.disk.use(100)
    assert setting.room.promised.size == 0
    setting.promise(900)


def test_a_body_of_unknown_length_is_stopped_at_the_reserve() -> None:
    setting = a_room(100, reserve=40)
    with setting.promise(0) as promise:
        for _ in range(6):
            result_of(promise.more(10))
            promise.written(10)
            setting.disk.use(10)
        with pytest.raises(NoRoom):
            result_of(promise.more(10))
    assert setting.room.promised.size == 0


def test_the_disk_is_not_asked_again_within_a_moment() -> None:
    setting = a_room(1000)
    for _ in range(50):
        setting.promise(1)
    assert setting.disk.asked == 1
    setting.clock.advance(FRESH + 0.1)
    setting.promise(1)
    assert setting.disk.asked == 2


def test_nobody_is_refused_by_what_the_disk_said_before() -> None:
    setting = a_room(10)
    setting.refusal(100)
    setting.disk.use(-1000)
    setting.promise(100)


def test_somebody_elses_writing_is_noticed() -> None:
    setting = a_room(1000)
    setting.promise(1)
    setting.disk.use(950)
    setting.clock.advance(FRESH + 0.1)
    setting.refusal(100)


def test_files_take_a_block_each_and_are_promised_too() -> None:
    setting = a_room(100, block=10)
    setting.refusal(1, files=10)
    with setting.promise(0, files=10):
        setting.refusal(1)


def test_bytes_take_whole_blocks() -> None:
    setting = a_room(100, block=10)
    setting.refusal(91)
    with setting.promise(90):
        setting.refusal(1)


def test_inodes_run_out_like_bytes() -> None:
    setting = a_room(1000, files=20)
    setting.room.reserve = Reserve(files=Share(1, is_percent=True))  # 10 of 1000
    with setting.promise(0, files=6):
        refusal = setting.refusal(0, files=5)
    assert refusal.detail == {
        "unit": "files",
        "needed": 5,
        "free": 20,
        "promised": 6,
        "reserve": 10,
    }
    setting.promise(0, files=5)


def test_a_disk_that_cannot_be_asked_refuses_nobody_as_full() -> None:
    class Broken(SmallDisk):
        async def space(self) -> Space | None:  # type: ignore[override]
            raise StorageFailure("gone")

    room = Room(driver=Broken(0), clock=Clock(), reserve=Reserve())
    with pytest.raises(StorageFailure, match="gone"):
        result_of(room.promise(1))


def test_without_a_bound_everything_fits() -> None:
    room = Room(driver=MemoryDriver(), clock=Clock(), reserve=Reserve())
    result_of(room.promise(2**62))
    assert room.shortage is None


def test_only_what_hardly_anybody_can_push_past_is_a_shortage() -> None:
    setting = a_room(40 + SHORT["bytes"], reserve=40)
    setting.promise(SHORT["bytes"])
    assert setting.room.shortage is None
    setting.disk.use(SHORT["bytes"])
    result_of(setting.room.measure())
    shortage = str(setting.room.shortage)
    assert "40 bytes are free and 40 of them are kept in reserve" in shortage


def test_few_inodes_are_a_shortage_too() -> None:
    setting = a_room(10**9, files=SHORT["files"] - 1)
    result_of(setting.room.measure())
    assert f"{SHORT['files'] - 1} files are free" in str(setting.room.shortage)


def test_bytes_written_while_the_disk_is_asked_are_not_taken_for_free() -> None:
    setting = a_room(1000)
    with setting.promise(500) as promise:
        setting.disk.waiting = []
        setting.clock.advance(FRESH + 1)
        asking = Deferred.fromCoroutine(setting.room.promise(600))
        refusal = asking.addErrback(lambda failure: failure.value)
        setting.disk.use(500)
        promise.written(500)
        answers, setting.disk.waiting = setting.disk.waiting, None
        answers[0].callback(None)  # with what was free before the write
        assert isinstance(result_of(awaited(refusal)), NoRoom)


async def awaited(deferred: Deferred[Any]) -> Any:
    return await deferred


steps = st.lists(
    st.tuples(st.sampled_from(["begin", "write", "end", "later"]), st.integers(0, 400)),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(steps=steps, free=st.integers(0, 2000), reserve=st.integers(0, 500))
def test_what_is_promised_always_fits_beside_the_reserve(
    steps: list[tuple[str, int]], free: int, reserve: int
) -> None:
    setting = a_room(free, reserve=reserve)
    pushes: list[tuple[Promise, list[int]]] = []
    for step, size in steps:
        if step == "begin":
            try:
                pushes.append((setting.promise(size), [size]))
            except NoRoom:
                left = sum(left[0] for _, left in pushes)
                assert setting.disk.now.free - left - reserve < size
        elif step == "write" and pushes:
            promise, left = pushes[size % len(pushes)]
            written = min(size, left[0])
            left[0] -= written
            setting.disk.use(written)
            promise.written(written)
        elif step == "end" and pushes:
            with pushes.pop(size % len(pushes))[0]:
                pass
        else:
            setting.clock.advance(size / 100)
        left = sum(left[0] for _, left in pushes)
        if pushes:
            assert setting.disk.now.free - left >= reserve
    assert setting.room.promised.size == sum(left[0] for _, left in pushes)
