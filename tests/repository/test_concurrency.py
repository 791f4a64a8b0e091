"""Several clients at once. Whatever the order, each is told the truth."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pushing import (
    CONFIG,
    LAYER,
    NAME,
    OTHER,
    Running,
    Slow,
    append,
    commit,
    image,
    push_blob,
    push_image,
    push_manifest,
)
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock

from registry.core.digest import Digest
from registry.core.errors import (
    BlobUnknown,
    DigestInvalid,
    ManifestUnknown,
    PreconditionFailed,
    RangeInvalid,
    RegistryError,
    UploadUnknown,
)
from registry.core.name import RepositoryName, Tag
from registry.core.rules import ReferenceRules
from registry.core.upload import ChunkRange
from registry.repository.registry import Registry, build_registry
from registry.storage.driver import Driver, Put
from registry.storage.layout import blob_data
from registry.storage.memory import MemoryDriver
from registry.storage.workers import Inline
from registry.testing.results import result_of

Build = Callable[..., Registry]
BODY = image()
DIGEST = Digest.of(BODY)
LATEST = Tag("latest")


@pytest.fixture
def slow(driver: Driver) -> Slow:
    return Slow(driver)


def ended(slow: Slow, coroutine: Any) -> Any:
    """The result of an operation that nobody else interferes with."""
    running = Running(coroutine)
    slow.finish()
    assert running.ended
    if running.error is not None:
        raise running.error
    return running.result


def session_with(slow: Slow, registry: Registry, *chunks: bytes) -> str:
    session = ended(slow, registry.uploads.start(NAME)).id
    if chunks:
        ended(slow, append(registry, session, *chunks))
    return session


async def send_at(registry: Registry, session: str, first: int, content: bytes) -> int:
    receiving = registry.uploads.receive(
        NAME,
        session,
        chunk=ChunkRange(first, first + len(content) - 1),
        length=None,
        flush=False,
    )
    async with receiving as receiver:
        return await receiver.append([content])


def test_two_streams_into_one_session_do_not_mix(slow: Slow, build: Build) -> None:
    registry = build(slow)
    session = session_with(slow, registry)
    first = Running(append(registry, session, b"11", b"11"))
    second = Running(append(registry, session, b"22", b"22"))
    slow.finish()
    assert (first.result, second.result) == (4, 8)
    ended(slow, commit(registry, session, Digest.of(b"11112222")))


def test_two_chunks_for_one_place_do_not_both_succeed(slow: Slow, build: Build) -> None:
    registry = build(slow)
    session = session_with(slow, registry)
    first = Running(send_at(registry, session, 0, b"1111"))
    second = Running(send_at(registry, session, 0, b"2222"))
    slow.finish()
    assert first.result == 4
    assert isinstance(second.error, RangeInvalid)
    assert second.error.offset == 4


def test_a_commit_waits_for_the_bytes_that_are_on_their_way(
    slow: Slow, build: Build
) -> None:
    registry = build(slow)
    session = session_with(slow, registry)
    appending = Running(append(registry, session, LAYER[:9], LAYER[9:]))
    ending = Running(commit(registry, session, Digest.of(LAYER)))
    slow.finish()
    assert appending.result == len(LAYER)
    assert ending.error is None
    assert ended(slow, registry.blobs.find(NAME, Digest.of(LAYER)))


def test_bytes_that_come_after_a_commit_are_refused(slow: Slow, build: Build) -> None:
    registry = build(slow)
    session = session_with(slow, registry, LAYER)
    ending = Running(commit(registry, session, Digest.of(LAYER)))
    late = Running(append(registry, session, b"late"))
    slow.finish()
    assert ending.error is None
    assert isinstance(late.error, UploadUnknown)


@pytest.mark.parametrize("holds", [0, 1000], ids=["written", "held"])
def test_of_two_last_requests_of_one_session_the_first_makes_the_blob(
    slow: Slow, build: Build, holds: int
) -> None:
    registry = build(slow)
    session = session_with(slow, registry)
    digest = Digest.of(LAYER)
    last = [
        Running(commit(registry, session, digest, LAYER, holds=holds)) for _ in range(3)
    ]
    slow.finish()
    assert last[0].error is None
    assert all(isinstance(late.error, UploadUnknown) for late in last[1:])
    assert ended(slow, registry.blobs.find(NAME, digest)).size == len(LAYER)


@pytest.mark.parametrize("wrong", [False, True])
def test_of_two_commits_of_one_session_one_decides(
    slow: Slow, build: Build, *, wrong: bool
) -> None:
    registry = build(slow)
    session = session_with(slow, registry, LAYER)
    digest = Digest.of(b"wrong" if wrong else LAYER)
    first = Running(commit(registry, session, digest))
    second = Running(commit(registry, session, Digest.of(LAYER)))
    slow.finish()
    assert isinstance(first.error, DigestInvalid) is wrong
    assert isinstance(second.error, UploadUnknown)


def test_a_cancelled_upload_is_not_committed(slow: Slow, build: Build) -> None:
    registry = build(slow)
    session = session_with(slow, registry, LAYER)
    cancel = Running(registry.uploads.cancel(NAME, session))
    ending = Running(commit(registry, session, Digest.of(LAYER)))
    slow.finish()
    assert cancel.error is None
    assert isinstance(ending.error, UploadUnknown)


def test_two_pushes_of_one_blob_both_succeed(slow: Slow, build: Build) -> None:
    registry = build(slow)
    pushes = [Running(push_blob(registry, LAYER, name)) for name in (NAME, NAME, OTHER)]
    while slow.waiting:
        slow.step(len(slow.waiting) // 2)
    assert [push.error for push in pushes] == [None, None, None]
    for name in (NAME, OTHER):
        assert ended(slow, registry.blobs.find(name, Digest.of(LAYER)))


def test_of_two_deletes_of_one_blob_one_finds_it(slow: Slow, build: Build) -> None:
    registry = build(slow)
    ended(slow, push_blob(registry, LAYER))
    deletes = [Running(registry.blobs.delete(NAME, Digest.of(LAYER))) for _ in range(2)]
    slow.finish()
    assert deletes[0].error is None
    assert isinstance(deletes[1].error, BlobUnknown)


@pytest.mark.parametrize("put_first", [True, False])
def test_put_and_delete_of_one_manifest_happen_one_after_the_other(
    slow: Slow, driver: Driver, build: Build, *, put_first: bool
) -> None:
    registry = build(slow)
    ended(slow, push_image(registry, BODY, LATEST))
    operations = [
        lambda: push_manifest(registry, BODY, LATEST),
        lambda: registry.manifests.delete(NAME, DIGEST),
    ]
    running = [Running(begin()) for begin in operations[:: 1 if put_first else -1]]
    slow.finish()
    assert [operation.error for operation in running] == [None, None]
    for fresh in (registry, build(driver)):
        look = Running(fresh.manifests.get(NAME, LATEST))
        slow.finish()
        assert isinstance(look.error, ManifestUnknown) is put_first


def test_of_two_compare_and_swaps_of_one_tag_one_wins(slow: Slow, build: Build) -> None:
    registry = build(slow)
    ended(slow, push_image(registry, BODY, LATEST))

    def if_unchanged(current: Digest | None) -> None:
        if current != DIGEST:
            raise PreconditionFailed

    bodies = [image(annotations={"by": name}) for name in "ab"]
    swaps = [
        Running(push_manifest(registry, body, LATEST, may_replace=if_unchanged))
        for body in bodies
    ]
    slow.finish()
    assert swaps[0].error is None
    assert isinstance(swaps[1].error, PreconditionFailed)
    assert ended(slow, registry.manifests.get(NAME, LATEST)).body == bodies[0]


def test_of_many_pushes_that_make_new_tags_one_wins(slow: Slow, build: Build) -> None:
    registry = build(slow)
    ended(slow, push_image(registry, BODY))

    def if_new(current: Digest | None) -> None:
        if current is not None:
            raise PreconditionFailed

    tags = [Tag("n2"), Tag("n3")]
    bodies = [image(annotations={"by": str(number)}) for number in range(20)]
    pushes = [
        Running(push_manifest(registry, body, tags=tags, may_replace=if_new))
        for body in bodies
    ]
    slow.finish()
    assert pushes[0].error is None
    assert all(isinstance(late.error, PreconditionFailed) for late in pushes[1:])
    for tag in tags:
        assert ended(slow, registry.manifests.get(NAME, tag)).body == bodies[0]


@pytest.mark.parametrize("steps", range(7))
def test_a_reader_of_damaged_content_leaves_nothing_wrong_once_a_push_mends_it(
    slow: Slow, driver: Driver, build: Build, steps: int
) -> None:
    digest = Digest.of(LAYER)
    result_of(push_blob(build(driver), LAYER))
    result_of(driver.apply([Put(blob_data(digest), LAYER[:10])]))
    registry = build(slow)
    reader = Running(registry.blobs.open(NAME, digest))
    for _ in range(steps):
        slow.step()
    overtaken = slow.waiting.copy()
    slow.waiting.clear()
    ended(slow, push_blob(registry, LAYER, OTHER))
    slow.waiting += overtaken
    slow.finish()
    assert reader.ended
    for name in (NAME, OTHER):
        blob, content = ended(slow, registry.blobs.open(name, digest))
        assert (blob.size, content.held) == (len(LAYER), LAYER)


@pytest.mark.parametrize("steps", range(9))
def test_a_reader_that_a_delete_overtook_leaves_nothing_in_the_cache(
    slow: Slow, driver: Driver, build: Build, steps: int
) -> None:
    result_of(push_image(build(driver), BODY, LATEST))
    registry = build(slow)
    reader = Running(registry.manifests.get(NAME, LATEST))
    for _ in range(steps):
        slow.step()
    overtaken = slow.waiting.copy()
    slow.waiting.clear()
    ended(slow, registry.manifests.delete(NAME, DIGEST))
    slow.waiting += overtaken
    slow.finish()
    assert reader.ended
    for reference in (LATEST, DIGEST):
        with pytest.raises(ManifestUnknown):
            ended(slow, registry.manifests.get(NAME, reference))


@pytest.mark.parametrize("steps", range(1, 10))
def test_a_push_whose_client_hung_up_is_done_and_never_misremembered(
    slow: Slow, driver: Driver, build: Build, steps: int
) -> None:
    result_of(push_image(build(driver), BODY, LATEST))
    new = image(annotations={"new": "yes"})
    registry = build(slow)
    ended(slow, registry.manifests.get(NAME, LATEST))
    push = Running(push_manifest(registry, new, LATEST))
    for _ in range(steps):
        slow.step()
    push.deferred.cancel()
    assert ended(slow, registry.manifests.get(NAME, LATEST)).body in (BODY, new)
    slow.finish()
    assert isinstance(push.error, CancelledError)
    for fresh in (registry, build(driver)):
        assert ended(slow, fresh.manifests.get(NAME, LATEST)).body == new


def test_a_push_into_a_nested_repository_survives_the_removal_of_the_one_above(
    driver: Driver, build: Build
) -> None:
    outer, inner = RepositoryName("a"), RepositoryName("a/b")
    for seed in range(20):
        slow = Slow(driver)
        registry = build(slow)
        ended(slow, push_image(registry, BODY, LATEST, outer))
        push = Running(push_image(registry, BODY, LATEST, inner))
        removal = Running(registry.delete_repository(outer))
        order = Random(seed)
        while slow.waiting:
            slow.step(order.randrange(len(slow.waiting)))
        assert (push.error, removal.error) == (None, None)
        assert result_of(build(driver).manifests.get(inner, LATEST)).body == BODY
        result_of(build(driver).delete_repository(inner))


# --- any operations, in any order: the caches tell what the files tell -------------

FIRST, SECOND = RepositoryName("x"), RepositoryName("x/y")
BODIES = [BODY, image(subject=BODY), image(annotations={"n": "1"})]
TAGS = [Tag("a"), Tag("b")]
LAYER_DIGEST = Digest.of(LAYER)


async def anyone(_name: RepositoryName) -> bool:
    return True


names = st.sampled_from([FIRST, SECOND])
bodies = st.sampled_from(BODIES)
tags = st.sampled_from(TAGS)
Operation = Callable[[Registry], Any]
pushes = st.builds(
    lambda name, body, tag: lambda r: push_image(r, body, tag, name),
    names,
    bodies,
    tags,
)
retags = st.builds(
    lambda name, body, tag: lambda r: push_manifest(r, body, tag, name),
    names,
    bodies,
    tags,
)
aliases = st.builds(
    lambda name, body, tag: (
        lambda r: push_manifest(r, body, Digest.of(body, "sha512"), name, tags=[tag])
    ),
    names,
    bodies,
    tags,
)
reads = st.builds(
    lambda name, body, tag: lambda r: reading(r, name, body, tag), names, bodies, tags
)
listings = st.builds(lambda name: lambda r: listing(r, name), names)
deletes = st.builds(
    lambda name, body: lambda r: r.manifests.delete(name, Digest.of(body)),
    names,
    bodies,
)
untags = st.builds(lambda name, tag: lambda r: r.tags.delete(name, tag), names, tags)
blob_deletes = st.builds(
    lambda name: lambda r: r.blobs.delete(name, LAYER_DIGEST), names
)
mounts = st.builds(
    lambda name: (
        lambda r: r.blobs.mount(name, LAYER_DIGEST, source=None, readable=anyone)
    ),
    names,
)
removals = st.builds(lambda name: lambda r: r.delete_repository(name), names)
operations = st.one_of(
    pushes,
    retags,
    aliases,
    reads,
    listings,
    deletes,
    untags,
    blob_deletes,
    mounts,
    removals,
)


async def reading(
    registry: Registry, name: RepositoryName, body: bytes, tag: Tag
) -> None:
    await registry.blobs.missing(name, [LAYER_DIGEST])
    await registry.referrers.to(name, DIGEST)
    await registry.manifests.get(name, Digest.of(body))
    await registry.manifests.get(name, tag)


async def listing(registry: Registry, name: RepositoryName) -> None:
    await registry.catalog.names()
    await registry.blobs.find(name, LAYER_DIGEST)
    await registry.tags.names(name)


async def told(coroutine: Any) -> Any:
    """The result, or the kind of refusal."""
    try:
        return await coroutine
    except RegistryError as error:
        return type(error)


async def everything(registry: Registry) -> list[Any]:
    """All that a registry tells about the two repositories."""
    answers: list[Any] = [list(await registry.catalog.names())]
    answers.append(sorted(await registry.catalog.holders()))
    for name in (FIRST, SECOND):
        answers.append(await told(registry.tags.names(name)))
        answers += [await told(registry.manifests.get(name, tag)) for tag in TAGS]
        for body in BODIES:
            for algorithm in ("sha256", "sha512"):
                digest = Digest.of(body, algorithm)
                answers.append(await told(registry.manifests.get(name, digest)))
        answers.append(await registry.referrers.to(name, DIGEST))
        for content in (CONFIG, LAYER):
            answers.append(await told(registry.blobs.find(name, Digest.of(content))))
    return answers


def a_registry(driver: Driver, *, seed: int) -> Registry:
    ids = Random(seed)
    return build_registry(
        workers=Inline(),
        driver=driver,
        rules=ReferenceRules(),
        clock=Clock(),
        new_id=lambda: f"{ids.getrandbits(32):08x}-0000-4000-8000-000000000000",
        cache_bytes=16_000_000,
    )


@settings(max_examples=150, deadline=None)
@given(
    before=st.lists(pushes, max_size=2),
    during=st.lists(operations, min_size=2, max_size=7),
    seed=st.integers(0, 2**32),
)
def test_caches_tell_what_files_tell_after_any_interleaving(
    before: list[Operation], during: list[Operation], seed: int
) -> None:
    files = MemoryDriver()
    slow = Slow(files)
    registry = a_registry(slow, seed=1)
    for operation in before:
        ended(slow, operation(registry))
    ended(slow, everything(registry))
    running = [Running(operation(registry)) for operation in during]
    order = Random(seed)
    while slow.waiting:
        slow.step(order.randrange(len(slow.waiting)))
    for operation in running:
        assert operation.ended
        assert operation.error is None or isinstance(operation.error, RegistryError)
    warm = ended(slow, everything(registry))
    assert warm == result_of(everything(a_registry(files, seed=2)))
    for name in (FIRST, SECOND):
        if result_of(a_registry(files, seed=3).catalog.exists(name)):
            for text in ended(slow, registry.tags.names(name)):
                assert ended(slow, registry.manifests.get(name, Tag(text)))
