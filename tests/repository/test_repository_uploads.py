from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pushing import (
    LAYER,
    NAME,
    OTHER,
    Asking,
    Recording,
    append,
    commit,
    paths_below,
    push_blob,
)
from twisted.internet.defer import CancelledError, Deferred

from registry.core.digest import HEX_LENGTHS, Digest
from registry.core.errors import (
    DigestInvalid,
    RangeInvalid,
    SizeInvalid,
    UploadUnknown,
)
from registry.core.upload import ChunkRange
from registry.repository.registry import Registry
from registry.storage.disk import Disk
from registry.storage.driver import (
    Change,
    Driver,
    Move,
    Put,
    Remove,
    StorageFailure,
)
from registry.storage.filesystem import FilesystemDriver
from registry.storage.layout import upload_data, upload_started
from registry.storage.workers import Inline
from registry.testing.results import result_of

Build = Callable[..., Registry]
UNKNOWN = "00000000-0000-4000-8000-00000000ffff"


def started(registry: Registry, *chunks: bytes, algorithm: str = "sha256") -> str:
    """The id of a session that has received ``chunks``."""
    session = result_of(registry.uploads.start(NAME, algorithm=algorithm)).id
    if chunks:
        result_of(append(registry, session, *chunks))
    return session


async def send(
    registry: Registry,
    session: str,
    content: bytes,
    *,
    chunk: ChunkRange | None = None,
    length: int | None = None,
) -> int:
    receiving = registry.uploads.receive(
        NAME, session, chunk=chunk, length=length, flush=True
    )
    async with receiving as receiver:
        return await receiver.append([content])


def test_a_session_starts_empty_and_says_when(
    driver: Driver, registry: Registry
) -> None:
    status = result_of(registry.uploads.start(NAME))
    assert (status.offset, status.started) == (0, 1_767_323_045)
    assert result_of(registry.uploads.status(NAME, status.id)) == status
    result_of(append(registry, status.id, b"1"))
    path = upload_started(NAME, status.id)
    assert result_of(driver.read(path)) == b"2026-01-02T03:04:05Z"
    later = result_of(registry.uploads.status(NAME, status.id))
    assert (later.offset, later.started) == (1, status.started)


def test_chunks_become_a_blob(registry: Registry) -> None:
    session = started(registry, LAYER[:10], LAYER[10:20])
    assert result_of(registry.uploads.status(NAME, session)).offset == 20
    result_of(append(registry, session, LAYER[20:]))
    blob = result_of(commit(registry, session, Digest.of(LAYER)))
    assert (blob.size, blob.digest) == (len(LAYER), Digest.of(LAYER))


@pytest.mark.parametrize("algorithm", HEX_LENGTHS)
@pytest.mark.parametrize("hint", HEX_LENGTHS)
@pytest.mark.parametrize("content", [b"", LAYER], ids=["empty", "some"])
def test_any_digest_commits_whatever_was_hinted(
    registry: Registry, algorithm: str, hint: str, content: bytes
) -> None:
    session = started(registry, content, algorithm=hint)
    digest = Digest.of(content, algorithm)
    blob = result_of(commit(registry, session, digest))
    assert (blob.digest, blob.stored) == (digest, Digest.of(content))
    _, stored = result_of(registry.blobs.open(NAME, digest))
    assert result_of(stored.read(0, stored.size)) == content


def test_an_unknown_algorithm_starts_nothing(
    driver: Driver, registry: Registry
) -> None:
    with pytest.raises(DigestInvalid):
        result_of(registry.uploads.start(NAME, algorithm="md5"))
    assert result_of(driver.sizes(["docker"])) == [None]


@pytest.mark.parametrize("sent", [b"", LAYER[:10]], ids=["none", "some"])
def test_a_session_is_resumed_after_a_restart(
    driver: Driver, build: Build, sent: bytes
) -> None:
    before = build(driver)
    begun = result_of(before.uploads.start(NAME))
    session, told = begun.id, begun.blank
    result_of(append(before, session, sent))
    registry = build(driver)
    status = result_of(registry.uploads.status(NAME, session, told=told))
    assert (status.offset, status.started) == (len(sent), begun.started)
    result_of(append(registry, session, LAYER[len(sent) :], told=told))
    blob = result_of(commit(registry, session, Digest.of(LAYER), told=told))
    assert blob.size == len(LAYER)


def test_hash_states_that_do_not_fit_the_file_are_not_trusted(
    driver: Driver, registry: Registry
) -> None:
    session = started(registry, LAYER[:10])

    async def somebody_else_appends() -> None:
        appender = await driver.append_to(upload_data(NAME, session))
        await appender.append([LAYER[10:]], [])
        await appender.close(flush=True)

    result_of(somebody_else_appends())
    blob = result_of(commit(registry, session, Digest.of(LAYER)))
    assert blob.size == len(LAYER)


def test_a_wrong_digest_is_refused_and_leaves_nothing_behind(
    driver: Driver, registry: Registry
) -> None:
    session = started(registry, LAYER)
    with pytest.raises(DigestInvalid):
        result_of(commit(registry, session, Digest.of(b"other")))
    assert result_of(paths_below(driver)) == []
    with pytest.raises(UploadUnknown):
        result_of(registry.uploads.status(NAME, session))


def test_a_committed_session_is_over(registry: Registry) -> None:
    session = started(registry, LAYER)
    digest = Digest.of(LAYER)
    result_of(commit(registry, session, digest))
    for again in (
        commit(registry, session, digest),
        registry.uploads.status(NAME, session),
        registry.uploads.cancel(NAME, session),
        append(registry, session, b"more"),
    ):
        with pytest.raises(UploadUnknown):
            result_of(again)


def test_a_cancelled_session_is_over(driver: Driver, registry: Registry) -> None:
    session = started(registry, LAYER)
    result_of(registry.uploads.cancel(NAME, session))
    with pytest.raises(UploadUnknown):
        result_of(registry.uploads.cancel(NAME, session))
    assert result_of(paths_below(driver)) == []


@pytest.mark.parametrize("session", [UNKNOWN, "../x", "", "A" * 36])
def test_what_is_no_session_is_unknown(registry: Registry, session: str) -> None:
    started(registry)
    for asked in (
        lambda: result_of(registry.uploads.status(NAME, session)),
        lambda: result_of(append(registry, session, b"x")),
        lambda: result_of(commit(registry, session, Digest.of(b"x"))),
        lambda: result_of(registry.uploads.cancel(NAME, session)),
    ):
        with pytest.raises(UploadUnknown):
            asked()


def test_a_session_belongs_to_one_repository(registry: Registry) -> None:
    session = started(registry, LAYER)
    with pytest.raises(UploadUnknown):
        result_of(registry.uploads.status(OTHER, session))
    with pytest.raises(UploadUnknown):
        result_of(append(registry, session, b"x", name=OTHER))


def test_a_chunk_out_of_order_is_refused_with_the_true_offset(
    registry: Registry,
) -> None:
    session = started(registry, b"12345")
    for chunk in (ChunkRange(0, 4), ChunkRange(4, 8), ChunkRange(6, 9)):
        with pytest.raises(RangeInvalid) as refusal:
            result_of(send(registry, session, b"x", chunk=chunk))
        assert refusal.value.offset == 5
    assert result_of(send(registry, session, b"67", chunk=ChunkRange(5, 6))) == 7


def test_a_chunk_that_contradicts_its_length_is_refused(registry: Registry) -> None:
    session = started(registry)
    chunk = ChunkRange(0, 1)
    with pytest.raises(SizeInvalid):
        result_of(send(registry, session, b"123", chunk=chunk, length=3))
    assert result_of(registry.uploads.status(NAME, session)).offset == 0


def test_a_streamed_chunk_has_to_have_the_length_of_its_range(
    registry: Registry,
) -> None:
    session = started(registry)
    with pytest.raises(SizeInvalid):
        result_of(send(registry, session, b"123", chunk=ChunkRange(0, 1)))
    with pytest.raises(SizeInvalid):
        result_of(send(registry, session, b"1", chunk=ChunkRange(0, 1)))
    assert result_of(send(registry, session, b"2", chunk=ChunkRange(1, 1))) == 2


def test_a_body_that_breaks_off_leaves_what_came_and_a_true_offset(
    registry: Registry,
) -> None:
    session = started(registry)

    async def breaking_off() -> None:
        receiving = registry.uploads.receive(
            NAME, session, chunk=None, length=len(LAYER), flush=False
        )
        async with receiving as receiver:
            await receiver.append([LAYER[:10]])
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        result_of(breaking_off())
    assert result_of(registry.uploads.status(NAME, session)).offset == 10
    result_of(append(registry, session, LAYER[10:]))
    assert result_of(commit(registry, session, Digest.of(LAYER))).size


class Watched:
    """An appender that says how it was closed."""

    def __init__(self, appender: object, flushes: list[bool]) -> None:
        self._appender = appender
        self._flushes = flushes

    def __getattr__(self, name: str) -> object:
        return getattr(self._appender, name)

    async def close(self, *, flush: bool) -> None:
        self._flushes.append(flush)
        await self._appender.close(flush=flush)


class WatchingAppends(Recording):
    """A driver that remembers how files were closed, and can fail while appending."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self.flushes: list[bool] = []

    async def append_to(self, path: str, **how: Any) -> Watched:
        return Watched(await self._driver.append_to(path, **how), self.flushes)


@pytest.mark.parametrize(
    ("flush", "broken", "flushed"),
    [(False, False, False), (True, False, True), (False, True, True)],
)
def test_bytes_are_flushed_when_asked_and_when_the_body_broke_off(
    driver: Driver, build: Build, *, flush: bool, broken: bool, flushed: bool
) -> None:
    watching = WatchingAppends(driver)
    registry = build(watching)
    session = started(registry)

    async def receive() -> None:
        receiving = registry.uploads.receive(
            NAME, session, chunk=None, length=None, flush=flush
        )
        async with receiving as receiver:
            await receiver.append([b"x"])
            if broken:
                raise ConnectionResetError

    outcome = Deferred.fromCoroutine(receive())
    outcome.addErrback(lambda failure: failure.trap(ConnectionResetError))
    assert watching.flushes == [flushed]


class FailingAppends(Recording):
    """A driver whose second append fails after a part of it was written."""

    async def append_to(self, path: str, **how: Any) -> object:
        appender = await self._driver.append_to(path, **how)
        real, count = appender.append, iter(range(100))

        async def append(chunks: list[bytes], hashers: list[object]) -> int:
            if next(count) == 1:
                for hasher in hashers:
                    hasher.update(b"".join(chunks))
                await real([chunks[0][:3]], [])
                raise StorageFailure("the disk is broken")
            return await real(chunks, hashers)

        watched = Watched(appender, [])
        watched.append = append
        return watched


def test_a_failed_write_keeps_a_true_offset_and_untrusted_hashes(
    driver: Driver, build: Build
) -> None:
    registry = build(FailingAppends(driver))
    session = started(registry)
    with pytest.raises(StorageFailure):
        result_of(append(registry, session, LAYER[:10], LAYER[10:20]))
    assert result_of(registry.uploads.status(NAME, session)).offset == 13
    result_of(append(registry, session, LAYER[13:]))
    blob = result_of(commit(registry, session, Digest.of(LAYER)))
    assert blob.size == len(LAYER)


@pytest.mark.parametrize("size", [0, 1, 1000], ids=["empty", "tiny", "small"])
def test_a_small_blob_costs_nothing_to_begin_and_one_piece_of_work_to_commit(
    driver: Driver, build: Build, size: int
) -> None:
    asking = Asking(driver)
    registry = build(asking)
    content = b"x" * size
    session = started(registry)
    assert asking.asked == []
    result_of(commit(registry, session, Digest.of(content), *[content][: min(size, 1)]))
    assert asking.asked == ["apply"]


def test_a_last_chunk_that_is_short_is_kept_and_the_session_goes_on(
    registry: Registry,
) -> None:
    session = started(registry)

    async def commit_too_early() -> None:
        receiving = registry.uploads.receive(
            NAME, session, chunk=None, length=5, flush=False, holds=1000
        )
        async with receiving as receiver:
            await receiver.append([b"123"])
            digest = Digest.of(b"123")
            await registry.uploads.commit(NAME, session, digest, receiver=receiver)

    with pytest.raises(SizeInvalid):
        result_of(commit_too_early())
    assert result_of(registry.uploads.status(NAME, session)).offset == 3
    assert result_of(commit(registry, session, Digest.of(b"12345"), b"45")).size == 5


@pytest.mark.parametrize("holds", [0, 1000], ids=["written", "held"])
def test_a_commit_that_fails_can_be_tried_again_with_the_offset_that_is_told(
    driver: Driver, build: Build, holds: int
) -> None:
    failing = FailingMoves(driver)
    registry = build(failing)
    session, digest = started(registry, LAYER[:10]), Digest.of(LAYER)
    failing.fails = True
    with pytest.raises(StorageFailure):
        result_of(commit(registry, session, digest, LAYER[10:], holds=holds))
    failing.fails = False
    offset = result_of(registry.uploads.status(NAME, session)).offset
    last = LAYER[offset:]
    assert result_of(commit(registry, session, digest, last)).size == len(LAYER)


class FailingMoves(Recording):
    """A driver that can fail to give an upload its name."""

    fails = False

    async def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if self.fails and isinstance(change, Move):
                raise StorageFailure("no room for a directory")
            await self._driver.apply([change])


def test_hash_states_are_kept_for_a_bounded_number_of_sessions(
    driver: Driver, build: Build
) -> None:
    recording = CountingHashes(driver)
    registry = build(recording, live_limit=3)
    many = [started(registry, b"%d" % number) for number in range(8)]
    for number, session in enumerate(many):
        digest = Digest.of(b"%d" % number)
        result_of(commit(registry, session, digest))
    assert recording.hashed == 5


class CountingHashes(Recording):
    """A driver that counts the files that were read to be hashed."""

    hashed = 0

    async def digest_of(self, path: str, hashers: list[object]) -> int:
        self.hashed += 1
        return await self._driver.digest_of(path, hashers)


def test_a_commit_that_fails_keeps_the_session(driver: Driver, build: Build) -> None:
    class Full(Recording):
        full = False

        async def apply(self, changes: list[object]) -> None:
            if self.full:
                raise StorageFailure("no space")
            await super().apply(changes)

    full = Full(driver)
    registry = build(full)
    session = started(registry, LAYER)
    full.full = True
    with pytest.raises(StorageFailure):
        result_of(commit(registry, session, Digest.of(LAYER)))
    full.full = False
    assert result_of(commit(registry, session, Digest.of(LAYER))).size


def test_a_session_without_a_readable_start_goes_on(
    driver: Driver, registry: Registry
) -> None:
    session = started(registry, LAYER)
    path = upload_started(NAME, session)
    result_of(driver.apply([Put(path, b"")]))
    assert result_of(registry.uploads.status(NAME, session)).started is None
    result_of(driver.apply([Remove(path)]))
    with pytest.raises(UploadUnknown):
        result_of(registry.uploads.status(NAME, session))


def test_a_cancelled_wait_for_a_session_does_not_take_it(registry: Registry) -> None:
    session = started(registry)
    hang_up: Deferred[None] = Deferred()

    async def holding() -> None:
        receiving = registry.uploads.receive(
            NAME, session, chunk=None, length=None, flush=False
        )
        async with receiving as receiver:
            await receiver.append([b"1"])
            await hang_up

    first = Deferred.fromCoroutine(holding())
    second = Deferred.fromCoroutine(append(registry, session, b"2"))
    second.addErrback(lambda failure: failure.trap(CancelledError))
    second.cancel()
    first.addErrback(lambda failure: failure.trap(CancelledError))
    first.cancel()
    assert result_of(append(registry, session, b"3")) == 2


def test_the_same_blob_twice_is_one_file(driver: Driver, registry: Registry) -> None:
    for name in (NAME, OTHER, NAME):
        result_of(push_blob(registry, LAYER, name))
    paths = result_of(paths_below(driver))
    assert len([path for path in paths if path.endswith("/data")]) == 1


def test_a_session_whose_repository_is_removed_meanwhile_is_unknown(
    build: Build, tmp_path: Path
) -> None:
    driver = FilesystemDriver(disk=Disk(), workers=Inline(), root=str(tmp_path / "r"))
    registry = build(driver)

    async def push() -> None:
        session = (await registry.uploads.start(NAME)).id
        receiving = registry.uploads.receive(
            NAME, session, chunk=None, length=None, flush=True
        )
        async with receiving as receiver:
            await receiver.append([LAYER])
            await registry.delete_repository(NAME)

    with pytest.raises(UploadUnknown):
        result_of(push())
