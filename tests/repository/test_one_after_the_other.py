"""Two clients at once get what they could have got one after the other.

Every pair of operations is run in many interleavings: one overtakes the other at every
point where it waits, and they alternate at random. Whatever happens, both outcomes and
all that the registry then tells, warm and after a restart, are those of one of the two
orders without any overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from itertools import combinations_with_replacement
from random import Random
from typing import Any

import attrs
import pytest
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
from twisted.internet.task import Clock

from registry.core.digest import Digest
from registry.core.errors import RangeInvalid, RegistryError, UploadUnknown
from registry.core.name import RepositoryName, Tag
from registry.core.rules import ReferenceRules
from registry.core.upload import ChunkRange
from registry.repository.registry import Registry, build_registry
from registry.repository.uploads import UploadStatus
from registry.storage.driver import Driver
from registry.storage.memory import MemoryDriver
from registry.storage.workers import Inline
from registry.testing.results import result_of

BODY, NEW = image(), image(annotations={"new": "yes"})
LATEST, STABLE = Tag("latest"), Tag("stable")
HALF = b"the first half"
REST = b", and the rest"
WHOLE = Digest.of(HALF + REST)
SESSION = "00000000-0000-4000-8000-000000000001"
STARTED = 1_767_323_045.5
RANDOM_ORDERS = 3

Operation = Callable[[Registry], Coroutine[Any, Any, Any]]


async def chunk(registry: Registry, content: bytes) -> int:
    """PATCH with Content-Range, at the end of the first half."""
    first = len(HALF)
    async with registry.uploads.receive(
        NAME,
        SESSION,
        chunk=ChunkRange(first, first + len(content) - 1),
        length=len(content),
        flush=True,
    ) as receiver:
        await receiver.append([content[:5]])
        await receiver.append([content[5:]])
    return receiver.offset


async def anyone(_name: RepositoryName) -> bool:
    return True


async def mounted(registry: Registry, source: RepositoryName | None) -> object:
    digest = Digest.of(LAYER)
    return await registry.blobs.mount(OTHER, digest, source=source, readable=anyone)


def expire(registry: Registry) -> Coroutine[Any, Any, bool]:
    return registry.unfinished.expire(NAME, SESSION, before=STARTED + 1)


OPERATIONS: dict[str, Operation] = {
    "patch": lambda r: append(r, SESSION, REST),
    "chunk": lambda r: chunk(r, REST),
    "put the rest": lambda r: commit(r, SESSION, WHOLE, REST),
    "put in pieces": lambda r: commit(r, SESSION, WHOLE, REST, holds=0),
    "put nothing": lambda r: commit(r, SESSION, Digest.of(HALF)),
    "cancel": lambda r: r.uploads.cancel(NAME, SESSION),
    "push the layer": lambda r: push_blob(r, LAYER),
    "push it as sha512": lambda r: push_blob(r, LAYER, algorithm="sha512"),
    "push it elsewhere": lambda r: push_blob(r, LAYER, OTHER),
    "delete the layer": lambda r: r.blobs.delete(NAME, Digest.of(LAYER)),
    "mount from there": lambda r: mounted(r, NAME),
    "mount from anywhere": lambda r: mounted(r, None),
    "move the tag": lambda r: push_manifest(r, NEW, LATEST),
    "tag twice": lambda r: push_manifest(r, NEW, STABLE, tags=[LATEST]),
    "push it again": lambda r: push_manifest(r, BODY, LATEST),
    "delete the tag": lambda r: r.tags.delete(NAME, LATEST),
    "delete the manifest": lambda r: r.manifests.delete(NAME, Digest.of(BODY)),
    "delete the repository": lambda r: r.delete_repository(NAME),
}

SEVERAL_REQUESTS = {"push the layer", "push it as sha512"}
"""What a client does in more than one request, so another may come in between."""


def started(driver: Driver) -> Registry:
    """A registry that has just been started on ``driver``."""
    clock = Clock()
    clock.advance(STARTED)
    ids = iter(range(1, 1000))
    return build_registry(
        workers=Inline(),
        driver=driver,
        rules=ReferenceRules(),
        clock=clock,
        new_id=lambda: f"00000000-0000-4000-8000-{next(ids):012x}",
        cache_bytes=16_000_000,
        small_limit=1000,
    )


async def prepare(registry: Registry) -> None:
    """An image with a tag, and half an upload."""
    await registry.uploads.start(NAME)
    await append(registry, SESSION, HALF)
    await push_image(registry, BODY, LATEST)


@attrs.frozen
class Outcome:
    """What two operations ended with, and all that can be seen afterwards."""

    first: object
    second: object
    warm: list[Any]
    restarted: list[Any]


async def told(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await coroutine
    except RegistryError as error:
        return refusal(error)


def refusal(error: RegistryError) -> object:
    """What a client acts on: the kind, and where to go on."""
    offset = error.offset if isinstance(error, RangeInvalid) else None
    return type(error).__name__, offset


async def everything(registry: Registry) -> list[Any]:
    seen: list[Any] = [list(await registry.catalog.names())]
    seen.append(sorted(name.text for name in await registry.catalog.holders()))
    digests = [Digest.of(c) for c in (CONFIG, LAYER, HALF, HALF + REST)]
    for name in (NAME, OTHER):
        seen.append(await told(registry.tags.names(name)))
        for digest in [*digests, Digest.of(LAYER, "sha512")]:
            blob = await told(registry.blobs.find(name, digest))
            seen.append(blob)
            if not isinstance(blob, tuple):
                _, content = await registry.blobs.open(name, digest)
                read = await content.read(0, content.size)
                assert Digest.of(read, digest.algorithm) == digest
        references = (LATEST, STABLE, Digest.of(BODY), Digest.of(NEW))
        seen += [await told(registry.manifests.get(name, r)) for r in references]
    seen.append(await told(registry.uploads.status(NAME, SESSION)))
    return seen


class Meeting:
    """Two operations on a registry of their own, neither of which has begun."""

    def __init__(self, first: Operation, second: Operation) -> None:
        self.files = MemoryDriver()
        self.slow = Slow(self.files)
        self.registry = started(self.slow)
        preparing = Running(prepare(self.registry))
        self.slow.finish()
        assert preparing.error is None
        self._operations = [first, second]
        self._running: list[Running | None] = [None, None]

    def begin(self, which: int) -> Running:
        running = Running(self._operations[which](self.registry))
        self._running[which] = running
        return running

    def outcome(self) -> Outcome:
        self.slow.finish()
        looking = Running(everything(self.registry))
        self.slow.finish()
        assert looking.error is None, looking.error
        return Outcome(
            *(self._ended(running) for running in self._running),
            warm=looking.result,
            restarted=result_of(everything(started(self.files))),
        )

    def _ended(self, running: Running | None) -> object:
        assert running is not None
        assert running.ended
        if running.error is None:
            return running.result
        assert isinstance(running.error, RegistryError), running.error
        return refusal(running.error)


def in_order(first: Operation, second: Operation, order: tuple[int, int]) -> Outcome:
    meeting = Meeting(first, second)
    for which in order:
        meeting.begin(which)
        meeting.slow.finish()
    return meeting.outcome()


def overtaken(
    first: Operation, second: Operation, order: tuple[int, int], steps: int
) -> tuple[Outcome, bool]:
    """One goes ``steps`` steps, then the other as far as it can, then the first.

    And whether the first was still under way after its steps.
    """
    meeting = Meeting(first, second)
    slow = meeting.slow
    ahead = meeting.begin(order[0])
    for _ in range(steps):
        if slow.waiting:
            slow.step()
    was_under_way = not ahead.ended
    held, slow.waiting = slow.waiting, []
    meeting.begin(order[1])
    slow.finish()
    slow.waiting += held
    return meeting.outcome(), was_under_way


def mixed(first: Operation, second: Operation, seed: int) -> Outcome:
    meeting = Meeting(first, second)
    order = Random(seed)
    for which in order.sample([0, 1], 2):
        meeting.begin(which)
    while meeting.slow.waiting:
        meeting.slow.step(order.randrange(len(meeting.slow.waiting)))
    return meeting.outcome()


def interleaved(first: Operation, second: Operation) -> Iterator[Outcome]:
    for order in ((0, 1), (1, 0)):
        steps, was_under_way = 1, True
        while was_under_way:
            outcome, was_under_way = overtaken(first, second, order, steps)
            yield outcome
            steps += 1
    for seed in range(RANDOM_ORDERS):
        yield mixed(first, second, seed)


@pytest.mark.parametrize(
    ("one", "other"), list(combinations_with_replacement(OPERATIONS, 2))
)
def test_two_at_once_get_what_one_after_the_other_would(one: str, other: str) -> None:
    first, second = OPERATIONS[one], OPERATIONS[other]
    serial = [in_order(first, second, (0, 1)), in_order(first, second, (1, 0))]
    if one in SEVERAL_REQUESTS and other == "delete the repository":
        serial.append(removed_in_between(second))
    for outcome in interleaved(first, second):
        assert outcome.warm == outcome.restarted
        assert outcome in serial, differences(outcome, serial)


def removed_in_between(removal: Operation) -> Outcome:
    """The push is told that its session is gone, and nothing of it is left."""

    async def too_late(_registry: Registry) -> None:
        raise UploadUnknown

    return in_order(too_late, removal, (0, 1))


def status(registry: Registry) -> Coroutine[Any, Any, UploadStatus]:
    return registry.uploads.status(NAME, SESSION)


@pytest.mark.parametrize(
    ("writing", "offsets"),
    [
        ("chunk", {len(HALF), len(HALF) + 5, len(HALF + REST)}),
        ("put the rest", {len(HALF), len(HALF + REST)}),
        ("cancel", {len(HALF)}),
    ],
)
def test_a_session_that_is_asked_meanwhile_tells_an_offset_that_it_had(
    writing: str, offsets: set[int]
) -> None:
    for outcome in interleaved(OPERATIONS[writing], status):
        told = outcome.second
        if isinstance(told, UploadStatus):
            assert told.offset in offsets
        else:
            assert told == refusal(UploadUnknown())


@pytest.mark.parametrize("using", ["patch", "put the rest", "put nothing", "cancel"])
def test_purging_takes_a_session_whole_or_leaves_it_alone(using: str) -> None:
    alone = in_order(OPERATIONS[using], status, (0, 1))
    purged = in_order(expire, OPERATIONS[using], (0, 1))
    for outcome in interleaved(OPERATIONS[using], expire):
        assert outcome.warm == outcome.restarted
        if outcome.first == alone.first:
            assert outcome.warm in (alone.warm, purged.warm)
        else:
            assert outcome.second is True
            assert outcome.first == purged.second
            assert outcome.warm == purged.warm


def differences(outcome: Outcome, serial: list[Outcome]) -> str:
    lines = [f"outcomes {outcome.first} and {outcome.second}"]
    for order in serial:
        seen = [
            f"  {here} instead of {there}"
            for here, there in zip(outcome.warm, order.warm, strict=True)
            if here != there
        ]
        lines += [f"but in order {order.first} and {order.second}", *seen]
    return "\n".join(lines)
