"""What Prometheus is told of the storage."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from twisted.internet.task import Clock

from registry.core.share import Share
from registry.repository.room import Reserve, Room
from registry.service.storage_numbers import StorageNumbers
from registry.service.timed import TimedDriver
from registry.storage.disk import Disk
from registry.storage.driver import Absent, Driver, Move, Put, Remove
from registry.storage.filesystem import FilesystemDriver
from registry.storage.memory import MemoryDriver
from registry.storage.workers import Inline
from registry.testing.driver_contract import DriverContract
from registry.testing.results import result_of


class TestTimedDriver(DriverContract):
    """It does what the driver does."""

    @pytest.fixture
    def driver(self) -> Driver:
        return TimedDriver(driver=MemoryDriver(), now=lambda: 0.0)


def said(driver: TimedDriver, room: Room) -> str:
    registry = CollectorRegistry()
    registry.register(
        StorageNumbers(driver="inmemory", seconds=driver.seconds, room=room)
    )
    return generate_latest(registry).decode()


def a_room(driver: Driver, **reserve: Share) -> Room:
    return Room(driver=driver, clock=Clock(), reserve=Reserve(**reserve))


def test_every_call_is_counted_under_its_name_in_distribution() -> None:
    times = iter(range(1000))
    driver = TimedDriver(driver=MemoryDriver(), now=lambda: float(next(times)))
    result_of(driver.apply([Put("a", b"content")]))
    result_of(driver.apply([Move("a", "b")]))
    result_of(driver.read("b"))
    result_of(driver.sizes(["b"]))
    result_of(driver.open("b"))
    result_of(driver.append_to("b"))
    result_of(driver.apply([Remove("b")]))
    with pytest.raises(Absent):
        result_of(driver.names("gone"))
    text = said(driver, a_room(driver))
    for action in (
        *("PutContent", "Move", "GetContent", "Stat", "Reader", "Writer"),
        *("Delete", "List"),
    ):
        labels = f'{{action="{action}",driver="inmemory"}}'
        assert f"registry_storage_action_seconds_count{labels} 1.0" in text
        assert f"registry_storage_action_seconds_sum{labels} 1.0" in text


def test_a_disk_has_numbers_and_memory_has_none(tmp_path: Path) -> None:
    for inner, there in (
        (MemoryDriver(), False),
        (FilesystemDriver(disk=Disk(), workers=Inline(), root=str(tmp_path)), True),
    ):
        driver = TimedDriver(driver=inner, now=lambda: 0.0)
        room = a_room(driver, size=Share(64))
        result_of(room.measure())
        text = said(driver, room)
        assert ("registry_storage_free_bytes " in text) is there
        assert ("registry_storage_reserved_bytes 64.0" in text) is there
        assert ("registry_storage_promised_bytes 0.0" in text) is there
