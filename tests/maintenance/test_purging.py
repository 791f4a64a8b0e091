"""Unfinished uploads are removed when they are old enough, and only then."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from registry.core.errors import UploadUnknown
from registry.core.name import RepositoryName
from registry.core.rules import ReferenceRules
from registry.maintenance.purging import STEP, Purge, UploadPurger
from registry.repository.registry import Registry, build_registry
from registry.storage.disk import Disk
from registry.storage.driver import Absent, Driver, Put, Remove
from registry.storage.filesystem import FilesystemDriver
from registry.storage.layout import upload, upload_data, upload_started
from registry.storage.memory import MemoryDriver
from registry.storage.workers import Inline
from registry.testing.results import result_of

NAME = RepositoryName("team/app")
OTHER = RepositoryName("other")
DAY = 24 * 3600.0
AGE = 7 * DAY


@pytest.fixture(params=["memory", "filesystem"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    """Both drivers in turn."""
    if request.param == "memory":
        return MemoryDriver()
    return FilesystemDriver(disk=Disk(), workers=Inline(), root=str(tmp_path / "root"))


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.advance(1_767_323_045.0)
    return clock


@pytest.fixture
def registry(driver: Driver, clock: Clock) -> Registry:
    return build_registry(
        driver=driver,
        workers=Inline(),
        rules=ReferenceRules(),
        clock=clock,
        new_id=lambda: str(uuid.uuid4()),
        cache_bytes=1_000_000,
    )


def begin(registry: Registry, name: RepositoryName = NAME, sent: bytes = b"") -> str:
    """The id of a new session that has received ``sent``."""
    session = result_of(registry.uploads.start(name)).id

    async def send() -> None:
        receiving = registry.uploads.receive(
            name, session, chunk=None, length=None, flush=True
        )
        async with receiving as receiver:
            await receiver.append([sent])

    result_of(send())
    return session


def purge(registry: Registry, clock: Clock, *, is_dry: bool = False) -> Purge:
    """What one run did."""
    purger = UploadPurger(
        catalog=registry.catalog,
        unfinished=registry.unfinished,
        clock=clock,
        age=AGE,
        is_dry=is_dry,
    )
    running = Deferred.fromCoroutine(purger.purge())
    while not running.called:
        clock.advance(0)
    outcome: list[Purge] = []
    running.addCallback(outcome.append)
    return outcome[0]


def there(driver: Driver, session: str, name: RepositoryName = NAME) -> bool:
    """Whether anything is left of a session."""
    try:
        result_of(driver.names(upload(name, session)))
    except Absent:
        return False
    return True


@pytest.mark.parametrize("sent", [b"", b"half"], ids=["blank", "some"])
def test_an_old_session_goes_and_a_newer_one_stays(
    driver: Driver, registry: Registry, clock: Clock, sent: bytes
) -> None:
    old, elsewhere = begin(registry, sent=sent), begin(registry, OTHER, sent)
    clock.advance(1)
    new = begin(registry, sent=sent)
    clock.advance(AGE - 0.5)
    assert purge(registry, clock) == Purge(removed=2, kept=1)
    assert not there(driver, old)
    assert not there(driver, elsewhere, OTHER)
    assert result_of(registry.uploads.status(NAME, new)).offset == len(sent)
    with pytest.raises(UploadUnknown):
        result_of(registry.uploads.status(NAME, old))


def test_a_session_of_exactly_the_age_stays(registry: Registry, clock: Clock) -> None:
    begin(registry)
    clock.advance(AGE)
    assert purge(registry, clock) == Purge(kept=1)


@pytest.mark.parametrize("sent", [b"", b"half"], ids=["blank", "some"])
def test_a_dry_run_removes_nothing(
    driver: Driver, registry: Registry, clock: Clock, sent: bytes
) -> None:
    session = begin(registry, sent=sent)
    clock.advance(AGE + 1)
    assert purge(registry, clock, is_dry=True) == Purge(removed=1)
    assert there(driver, session) is bool(sent)
    assert result_of(registry.uploads.status(NAME, session)).offset == len(sent)


def test_a_session_that_a_request_has_stays(
    driver: Driver, registry: Registry, clock: Clock
) -> None:
    session = begin(registry)
    clock.advance(AGE + 1)

    async def meanwhile() -> Purge:
        receiving = registry.uploads.receive(
            NAME, session, chunk=None, length=None, flush=True
        )
        async with receiving as receiver:
            done = purge(registry, clock)
            await receiver.append([b"still coming"])
        return done

    assert result_of(meanwhile()) == Purge(kept=1)
    assert result_of(registry.uploads.status(NAME, session)).offset == 12
    assert purge(registry, clock) == Purge(removed=1)
    assert not there(driver, session)


def test_a_session_without_a_time_of_start_stays(
    driver: Driver, registry: Registry, clock: Clock
) -> None:
    session = begin(registry, sent=b"half")
    result_of(driver.apply([Remove(upload_started(NAME, session))]))
    clock.advance(AGE + 1)
    assert purge(registry, clock) == Purge(undated=1)
    assert there(driver, session)


def test_one_that_cannot_be_read_does_not_keep_the_others(
    driver: Driver, registry: Registry, clock: Clock
) -> None:
    sessions = sorted(begin(registry, sent=b"half") for _ in range(3))
    result_of(driver.apply([Put(upload_started(NAME, sessions[0]), b"yesterday")]))
    clock.advance(AGE + 1)
    assert purge(registry, clock) == Purge(removed=2, failed=1)
    assert there(driver, sessions[0])


@pytest.mark.parametrize("torn", [b"", b"\0" * 20], ids=["empty", "zeros"])
def test_one_whose_start_a_power_cut_tore_counts_from_when_it_is_found(
    driver: Driver, registry: Registry, clock: Clock, torn: bytes
) -> None:
    session = begin(registry, sent=b"half")
    path = upload_started(NAME, session)
    result_of(driver.apply([Put(path, torn)]))
    clock.advance(AGE + 1)
    assert purge(registry, clock, is_dry=True) == Purge(kept=1)
    assert result_of(driver.read(path)) == torn
    assert purge(registry, clock) == Purge(kept=1)
    clock.advance(AGE)
    assert purge(registry, clock) == Purge(kept=1)
    clock.advance(1)
    assert purge(registry, clock) == Purge(removed=1)
    assert not there(driver, session)


def test_a_session_of_distribution_goes_with_its_hash_states(
    driver: Driver, registry: Registry, clock: Clock
) -> None:
    session = str(uuid.uuid4())
    states = f"{upload(NAME, session)}/hashstates/sha256/0"
    changes = [
        Put(upload_started(NAME, session), b"2025-01-02T03:04:05Z"),
        Put(upload_data(NAME, session), b"half a lay"),
        Put(states, b"state"),
    ]
    result_of(driver.apply(changes))
    assert purge(registry, clock) == Purge(removed=1)
    assert not there(driver, session)


def test_what_is_no_session_stays(
    driver: Driver, registry: Registry, clock: Clock
) -> None:
    path = upload_started(NAME, "notes")
    result_of(driver.apply([Put(path, b"2025-01-02T03:04:05Z")]))
    assert purge(registry, clock) == Purge(undated=1)
    assert result_of(driver.read(path)) == b"2025-01-02T03:04:05Z"


def watched(
    registry: Registry, clock: Clock, sessions: int, *, end_at: int = -1
) -> list[int]:
    """How many of ``sessions`` are left at each turn of a run that others have.

    When ``end_at`` are left the run is cancelled.
    """
    for _ in range(sessions):
        begin(registry)
    clock.advance(AGE + 1)
    purger = UploadPurger(
        catalog=registry.catalog, unfinished=registry.unfinished, clock=clock, age=AGE
    )
    running = Deferred.fromCoroutine(purger.run())
    running.addErrback(lambda reason: reason.trap(CancelledError))
    left: list[int] = []

    def look() -> None:
        left.append(len(result_of(registry.unfinished.sessions(NAME))))
        if left[-1] == end_at:
            running.cancel()
        if not running.called:
            clock.callLater(0, look)

    look()
    clock.advance(0)
    return left


def test_others_get_their_turn(registry: Registry, clock: Clock) -> None:
    assert watched(registry, clock, STEP + 1) == [STEP + 1, 1, 0, 0]


def test_it_ends_between_two_sessions_when_it_is_cancelled(
    registry: Registry, clock: Clock
) -> None:
    assert watched(registry, clock, STEP + 1, end_at=1) == [STEP + 1, 1]
