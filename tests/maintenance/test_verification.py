"""What is served and was not read through lately is read through, at a bounded rate."""

from __future__ import annotations

import pytest
from stores import NAME, Store
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from registry.core.digest import Digest
from registry.core.errors import BlobUnknown
from registry.maintenance.pace import Pace
from registry.maintenance.verification import Verification
from registry.storage.layout import REPLACED
from registry.testing.results import result_of

LARGE = b"large " * 1000
DIGEST = Digest.of(LARGE)


def verification(store: Store, rate: float = 0.0) -> Verification:
    return Verification(
        contents=store.registry.contents,
        verified=store.registry.verified,
        pace=Pace(clock=store.clock, rate=rate),
    )


def pull(store: Store) -> None:
    _, content = result_of(store.registry.blobs.open(NAME, DIGEST))
    content.close()


@pytest.mark.parametrize("damage", [LARGE[::-1], LARGE[:-1] + b"?"])
def test_damage_that_was_served_once_is_not_served_again(
    store: Store, damage: bytes
) -> None:
    result_of(store.push_blob(LARGE))
    store.data(LARGE).write_bytes(damage)
    again = store.again()
    pull(again)
    again.run(verification(again).run())
    with pytest.raises(BlobUnknown):
        pull(again)
    assert again.registry.quarantine.taken == 1


def test_what_was_only_asked_for_is_read_through_too(store: Store) -> None:
    result_of(store.push_blob(LARGE))
    store.data(LARGE).write_bytes(LARGE[::-1])
    again = store.again()
    result_of(again.registry.blobs.find(NAME, DIGEST))
    again.run(verification(again).run())
    assert again.registry.quarantine.taken == 1


def test_what_was_verified_is_not_due_until_it_has_aged(store: Store) -> None:
    result_of(store.push_blob(LARGE))
    again = store.again()
    pull(again)
    again.run(verification(again).run())
    pull(again)
    assert again.registry.verified.waiting == 0
    again.clock.advance(8 * 24 * 3600.0)
    pull(again)
    assert again.registry.verified.waiting == 1


def test_what_pushes_have_replaced_is_looked_at(store: Store) -> None:
    result_of(store.push_blob(LARGE))
    store.data(LARGE).write_bytes(b"damage")
    again = store.again()
    result_of(again.push_blob(LARGE))
    assert [path.name for path in store.file(REPLACED).iterdir()] == [DIGEST.hex]
    again.run(verification(again).run())
    assert list(store.file(REPLACED).iterdir()) == []
    assert again.registry.quarantine.taken == 1
    assert again.registry.quarantine.concern() is None


def test_what_cannot_be_read_does_not_hold_up_the_rest(store: Store) -> None:
    result_of(store.push_blob(LARGE))
    result_of(store.push_blob(LARGE + LARGE))
    again = store.again()
    for content in (LARGE, LARGE + LARGE):
        result_of(again.registry.blobs.find(NAME, Digest.of(content)))
    store.data(LARGE).unlink()
    store.data(LARGE).mkdir()
    store.data(LARGE + LARGE).write_bytes(b"damage")
    with capturedLogs() as logged:
        again.run(verification(again).run())
    assert "could not be verified" in (formatEvent(logged[0]) or "")
    assert again.registry.quarantine.taken == 1


def test_it_keeps_to_its_pace() -> None:
    clock = Clock()
    pace = Pace(clock=clock, rate=1000)
    done: list[float] = []

    async def read() -> None:
        for _ in range(3):
            await pace(500)
            done.append(clock.seconds())

    running = Deferred.fromCoroutine(read())
    for _ in range(20):
        clock.advance(0.1)
    assert done == pytest.approx([0.5, 1.0, 1.5], abs=0.11)
    assert running.called


def test_two_readers_share_a_pace() -> None:
    clock = Clock()
    pace = Pace(clock=clock, rate=1000)
    both = [Deferred.fromCoroutine(pace(1000)) for _ in range(2)]
    clock.advance(1)
    assert [one.called for one in both] == [True, False]
    clock.advance(1)
    assert both[1].called


def test_it_ends_when_it_is_told_to(store: Store) -> None:
    result_of(store.push_blob(LARGE))
    again = store.again()
    pull(again)
    running = Deferred.fromCoroutine(verification(again, rate=1.0).run())
    assert not running.called
    running.cancel()
    failed: list[object] = []
    running.addErrback(lambda reason: failed.append(reason.check(CancelledError)))
    assert failed == [CancelledError]


def test_what_pushes_have_replaced_is_looked_at_even_if_the_rest_is_not(
    store: Store,
) -> None:
    result_of(store.push_blob(LARGE))
    again = store.again()
    pull(again)
    result_of(again.push_blob(LARGE))
    looking = Verification(
        contents=again.registry.contents,
        verified=None,
        pace=Pace(clock=again.clock, rate=0),
    )
    again.run(looking.run())
    assert list(store.file(REPLACED).iterdir()) == []
