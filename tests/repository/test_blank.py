"""Sessions without bytes: what is remembered, what is believed, when they end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pushing import (
    LAYER,
    NAME,
    OTHER,
    Recording,
    Running,
    Slow,
    append,
    commit,
    paths_below,
)

from registry.core.digest import Digest
from registry.core.errors import (
    DigestInvalid,
    NameUnknown,
    TooManyRequests,
    UploadUnknown,
)
from registry.core.name import RepositoryName
from registry.repository.blank import Blank, BlankSessions
from registry.repository.registry import Registry
from registry.repository.uploads import UploadStatus
from registry.storage.driver import (
    Absent,
    Appender,
    Change,
    Create,
    Driver,
    Move,
    StorageFailure,
)
from registry.storage.layout import upload_started
from registry.storage.memory import MemoryDriver
from registry.testing.results import result_of

Build = Callable[..., Registry]
Request = Callable[[], Coroutine[Any, Any, object]]
S1, S2, S3 = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))


class Time:
    """Seconds of the epoch, as a test says."""

    now = 1_767_323_045.5

    def __call__(self) -> float:
        return self.now


def sessions(run: str = "this", **bounds: int) -> BlankSessions:
    return BlankSessions(now=Time(), run=run, **bounds)


def told_by(run: str, started: int = 1_767_323_045) -> Blank:
    return Blank(started, "sha256", run)


# What is remembered.


def test_a_session_is_blank_until_it_ends() -> None:
    blanks = sessions()
    begun = blanks.begin(NAME, S1, "sha512")
    assert begun == Blank(1_767_323_045, "sha512", "this")
    assert blanks.find(NAME, S1) == begun
    assert blanks.find(OTHER, S1) is None
    assert (blanks.of(NAME), blanks.holders()) == ([S1], [NAME])
    blanks.end(NAME, S1)
    assert blanks.find(NAME, S1) is None
    assert (blanks.of(NAME), blanks.holders(), len(blanks)) == ([], [], 0)


@pytest.mark.parametrize("run", ["this", "earlier"])
def test_one_that_ended_does_not_come_back_by_an_old_location(run: str) -> None:
    blanks = sessions()
    told = told_by(run)
    blanks.adopt(NAME, S1, told)
    blanks.end(NAME, S1)
    assert blanks.find(NAME, S1, told=told) is None


def test_one_that_had_bytes_before_a_restart_and_ended_after_it_is_over() -> None:
    blanks = sessions()
    assert blanks.find(NAME, S1, told=told_by("earlier")) is not None
    blanks.end(NAME, S1)
    assert blanks.find(NAME, S1, told=told_by("earlier")) is None


def test_one_of_an_earlier_run_is_believed_whatever_the_clock_says() -> None:
    """A machine without a battery starts in 1970."""
    for started in (0, 4_000_000_000):
        told = told_by("earlier", started)
        assert sessions().find(NAME, S1, told=told) == told


def test_what_this_run_never_began_is_not_believed() -> None:
    assert sessions().find(NAME, S1, told=told_by("this")) is None


def test_the_oldest_makes_room_and_is_believed_then() -> None:
    blanks = sessions(most=2)
    begun = []
    for session in (S1, S2, S3):
        begun.append(blanks.begin(NAME, session, "sha256"))
        blanks.now.now += 1
    assert sorted(blanks.of(NAME)) == [S2, S3]
    assert blanks.find(NAME, S1) is None
    assert blanks.find(NAME, S1, told=begun[0]) == begun[0]
    blanks.end(NAME, S2)
    assert blanks.find(NAME, S2, told=begun[1]) is None
    blanks.end(NAME, S1)
    assert blanks.find(NAME, S1, told=begun[0]) is None


def test_those_of_a_removed_repository_are_over() -> None:
    blanks = sessions()
    begun = [blanks.begin(name, S1, "sha256") for name in (NAME, OTHER)]
    blanks.forget(NAME)
    assert blanks.find(NAME, S1, told=begun[0]) is None
    assert blanks.find(OTHER, S1) == begun[1]


keys = st.tuples(st.sampled_from([NAME, OTHER]), st.sampled_from([S1, S2, S3]))
steps = st.lists(st.tuples(st.sampled_from(["adopt", "end", "forget"]), keys))


@given(steps=steps)
def test_both_ways_to_look_at_them_agree_and_are_bounded(
    steps: list[tuple[str, tuple[RepositoryName, str]]],
) -> None:
    blanks, told = sessions(most=3, over=2), told_by("earlier")
    for step, (name, session) in steps:
        if step == "adopt":
            blanks.adopt(name, session, told)
        elif step == "end":
            blanks.end(name, session)
        else:
            blanks.forget(name)
    found = {
        name: [s for s in (S1, S2, S3) if blanks.find(name, s)]
        for name in (NAME, OTHER)
    }
    assert {name: sorted(blanks.of(name)) for name in found} == found
    assert set(blanks.holders()) == {name for name, some in found.items() if some}
    assert len(blanks) == sum(map(len, found.values())) <= 3
    assert len(blanks._over) <= 2


# In a registry.


def begin(registry: Registry, name: RepositoryName = NAME, **how: str) -> UploadStatus:
    return result_of(registry.uploads.start(name, **how))


def status_of(registry: Registry, begun: UploadStatus) -> UploadStatus:
    """How far a session is, as a client asks that follows its Location."""
    return result_of(registry.uploads.status(NAME, begun.id, told=begun.blank))


def test_beginning_changes_nothing_on_disk(driver: Driver, registry: Registry) -> None:
    begun = begin(registry)
    assert result_of(driver.sizes(["docker"])) == [None]
    result_of(registry.uploads.cancel(NAME, begun.id))
    assert result_of(driver.sizes(["docker"])) == [None]


def test_a_repository_of_blank_sessions_is_there_until_they_end(
    registry: Registry,
) -> None:
    begun = begin(registry)
    assert result_of(registry.catalog.holders()) == [NAME]
    assert result_of(registry.tags.names(NAME)) == []
    assert result_of(registry.catalog.names()) == []
    result_of(registry.uploads.cancel(NAME, begun.id))
    assert result_of(registry.catalog.holders()) == []
    with pytest.raises(NameUnknown):
        result_of(registry.tags.names(NAME))


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("chunks", [(LAYER,), (LAYER[:9], LAYER[9:])])
def test_one_goes_on_after_a_restart(
    driver: Driver, build: Build, algorithm: str, chunks: tuple[bytes, ...]
) -> None:
    begun = begin(build(driver), algorithm=algorithm)
    registry = build(driver)
    with pytest.raises(UploadUnknown):
        result_of(append(registry, begun.id, b"x"))
    assert status_of(registry, begun) == begun
    *most, last = chunks
    for chunk in most:
        result_of(append(registry, begun.id, chunk, told=begun.blank))
    digest = Digest.of(LAYER, algorithm)
    result_of(commit(registry, begun.id, digest, last, told=begun.blank))
    for again in (
        append(registry, begun.id, b"x", told=begun.blank),
        commit(registry, begun.id, digest, told=begun.blank),
        registry.uploads.cancel(NAME, begun.id, told=begun.blank),
        registry.uploads.status(NAME, begun.id, told=begun.blank),
    ):
        with pytest.raises(UploadUnknown):
            result_of(again)


def test_one_that_is_given_up_after_a_restart_is_over(
    driver: Driver, build: Build
) -> None:
    begun = begin(build(driver))
    registry = build(driver)
    result_of(registry.uploads.cancel(NAME, begun.id, told=begun.blank))
    with pytest.raises(UploadUnknown):
        status_of(registry, begun)


def test_the_last_request_can_be_repeated_after_a_restart(
    driver: Driver, build: Build
) -> None:
    """Its client has not heard that it was done."""
    registry = build(driver)
    begun, digest = begin(registry), Digest.of(LAYER)
    result_of(commit(registry, begun.id, digest, LAYER, told=begun.blank))
    with pytest.raises(UploadUnknown):
        result_of(commit(registry, begun.id, digest, LAYER, told=begun.blank))
    registry = build(driver)
    result_of(commit(registry, begun.id, digest, LAYER, told=begun.blank))
    with pytest.raises(UploadUnknown):
        result_of(commit(registry, begun.id, digest, LAYER, told=begun.blank))


def test_those_that_come_back_count(build: Build) -> None:
    """A restart does not open a way around the bounds."""
    driver = MemoryDriver()
    many = [begin(build(driver)) for _ in range(4)]
    registry = build(driver, begun_share=3)
    for begun in many[:3]:
        result_of(append(registry, begun.id, b"x", told=begun.blank))
        result_of(append(registry, begun.id, b"y", told=begun.blank))
    with pytest.raises(TooManyRequests):
        result_of(append(registry, many[3].id, b"x", told=many[3].blank))
    assert status_of(registry, many[3]).offset == 0
    result_of(registry.uploads.cancel(NAME, many[0].id))
    assert result_of(append(registry, many[3].id, b"x", told=many[3].blank)) == 1


def test_asking_how_far_one_is_does_not_count(build: Build) -> None:
    driver = MemoryDriver()
    many = [begin(build(driver)) for _ in range(4)]
    registry = build(driver, begun_share=3)
    for begun in many:
        assert status_of(registry, begun).offset == 0
    begin(registry)


# When the disk fails.


class Refusing(Recording):
    """A driver that can refuse changes of some kinds, half-way through a list."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self.refuses: Callable[[Change], bool] = lambda _change: False

    async def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if self.refuses(change):
                raise StorageFailure("no room")
            await self._driver.apply([change])

    async def append_to(self, path: str, *, after: Sequence[Change] = ()) -> Appender:
        await self.apply(after)
        return await self._driver.append_to(path)


def named(end: str) -> Callable[[Change], bool]:
    """Whether a change is of a file of that name."""

    def is_it(change: Change) -> bool:
        path = change.target if isinstance(change, Move) else change.path
        return path.endswith(end)

    return is_it


@pytest.mark.parametrize(
    ("end", "holds"),
    [("/startedat", 0), ("/data", 0), ("/data", 1000), ("/link", 1000)],
)
def test_a_failure_leaves_a_session_that_can_go_on_where_it_says(
    driver: Driver, build: Build, end: str, holds: int
) -> None:
    refusing = Refusing(driver)
    registry = build(refusing)
    begun, digest = begin(registry), Digest.of(LAYER)
    refusing.refuses = named(end)
    with pytest.raises(StorageFailure):
        result_of(commit(registry, begun.id, digest, LAYER, holds=holds))
    refusing.refuses = lambda _change: False
    there = status_of(registry, begun).offset
    result_of(commit(registry, begun.id, digest, LAYER[there:], told=begun.blank))
    assert result_of(registry.blobs.find(NAME, digest)).size == len(LAYER)
    assert left_of(driver, begun.id) == []


def test_a_start_that_could_not_be_made_sure_of_is_told(
    driver: Driver, build: Build
) -> None:
    refusing = Refusing(driver)
    registry = build(refusing)
    begun = begin(registry)
    refusing.refuses = lambda change: isinstance(change, Move)
    with pytest.raises(StorageFailure):
        result_of(append(registry, begun.id, LAYER))
    refusing.refuses = lambda _change: False
    assert status_of(registry, begun).offset == len(LAYER)
    result_of(commit(registry, begun.id, Digest.of(LAYER)))


def test_what_a_killed_process_left_of_a_beginning_is_no_hindrance(
    driver: Driver, build: Build
) -> None:
    begun = begin(build(driver))

    left = Create(upload_started(NAME, begun.id), b"2026")
    result_of(driver.apply([left]))
    registry = build(driver)
    assert status_of(registry, begun) == begun
    assert result_of(append(registry, begun.id, LAYER, told=begun.blank)) == len(LAYER)


# Two at once.


async def breaking_off(registry: Registry, session: str, sent: bytes) -> None:
    receiving = registry.uploads.receive(
        NAME, session, chunk=None, length=None, flush=False, holds=1000
    )
    async with receiving as receiver:
        if sent:
            await receiver.append([sent])
        raise ConnectionResetError


@pytest.mark.parametrize("sent", [b"", b"some"])
def test_a_body_that_breaks_off_leaves_what_came(
    registry: Registry, sent: bytes
) -> None:
    begun = begin(registry)
    with pytest.raises(ConnectionResetError):
        result_of(breaking_off(registry, begun.id, sent))
    status = status_of(registry, begun)
    assert (status.offset, status.blank is None) == (len(sent), bool(sent))
    result_of(commit(registry, begun.id, Digest.of(sent + b"more"), b"more"))


def requests(registry: Registry, begun: UploadStatus) -> dict[str, Request]:
    """What may be asked of a session that is blank, and of its repository."""
    uploads, session = registry.uploads, begun.id
    one = Digest.of(b"1")
    return {
        "patch": lambda: append(registry, session, b"12345", b"67890"),
        "put": lambda: commit(registry, session, one, b"1"),
        "put what is written": lambda: commit(registry, session, one, b"1", holds=0),
        "put something else": lambda: commit(registry, session, one, b"2"),
        "cancel": lambda: uploads.cancel(NAME, session),
        "expire": lambda: registry.unfinished.expire(
            NAME, session, before=2_000_000_000
        ),
        "ask": lambda: uploads.status(NAME, session),
        "remove": lambda: registry.delete_repository(NAME),
    }


WAYS = [
    *("patch", "put", "put what is written", "put something else"),
    *("cancel", "expire", "ask", "remove"),
]
EXPECTED = UploadUnknown | NameUnknown | DigestInvalid


@pytest.mark.parametrize("second", WAYS)
@pytest.mark.parametrize("first", WAYS)
def test_of_two_requests_on_one_blank_session_something_whole_is_left(
    build: Build, first: str, second: str
) -> None:
    """At whatever step the second comes: memory, disk and what is told agree."""
    steps, was_under_way = 0, True
    while was_under_way:
        was_under_way = overtaken(build, first, second, steps)
        steps += 1
    assert steps > 1 or first in {"ask", "cancel", "expire"}


def overtaken(build: Build, first: str, second: str, steps: int) -> bool:
    """Whether the first was under way when the second came."""
    files = MemoryDriver()
    slow = Slow(files)
    registry = build(slow)
    begun = begin(registry)
    ways = requests(registry, begun)
    ahead = Running(ways[first]())
    for _ in range(steps):
        if slow.waiting:
            slow.step()
    was_under_way = not ahead.ended
    behind = Running(ways[second]())
    slow.finish()
    for running in (ahead, behind):
        assert running.ended
        assert running.error is None or isinstance(running.error, EXPECTED)
    check_whole(registry, build(files), slow, files, begun)
    return was_under_way


def check_whole(
    registry: Registry,
    restarted: Registry,
    slow: Slow,
    files: MemoryDriver,
    begun: UploadStatus,
) -> None:
    asked = Running(registry.uploads.status(NAME, begun.id, told=begun.blank))
    slow.finish()
    if isinstance(asked.error, UploadUnknown):
        assert (left_of(files, begun.id), registry.begun.total) == ([], 0)
        return
    assert isinstance(asked.result, UploadStatus)
    assert registry.begun.total == 1
    assert len(left_of(files, begun.id)) == (0 if asked.result.blank else 2)
    later = status_of(restarted, begun)
    assert later.offset == asked.result.offset


def left_of(driver: Driver, session: str) -> list[str]:
    try:
        return [path for path in result_of(paths_below(driver)) if session in path]
    except Absent:
        return []
