"""What every storage driver must do with files that grow: the uploads' part.

``DriverContract`` includes it, so a driver's tests subclass that one alone.
"""

# ruff: noqa: D102 (the name of a test says what it is)

from __future__ import annotations

import hashlib

import pytest

from registry.core.digest import Digest
from registry.storage.driver import (
    Absent,
    Append,
    Appender,
    Create,
    Discard,
    Driver,
    Move,
    Put,
    Remove,
    StorageFailure,
)
from registry.testing.driven import Driven


class AppendContract(Driven):
    """Tests of ``Driver.append_to`` and of the changes that uploads are made of."""

    def append(self, driver: Driver, path: str, *chunks: bytes) -> int:
        """Append ``chunks`` in one go; the new size."""

        async def appending() -> int:
            appender = await driver.append_to(path)
            size = await appender.append(chunks, [])
            await appender.close(flush=True)
            return size

        return self.run(appending())

    def test_appends_and_hashes(self, driver: Driver) -> None:
        async def upload() -> tuple[int, int, str]:
            await driver.apply([Create("u/data")])
            appender = await driver.append_to("u/data")
            hasher = hashlib.sha256()
            first = await appender.append([b"ab", b"", b"cd"], [hasher])
            second = await appender.append([b"ef"], [hasher])
            assert appender.size == second
            await appender.close(flush=False)
            return first, second, hasher.hexdigest()

        assert self.run(upload()) == (4, 6, Digest.of(b"abcdef").hex)
        assert self.run(driver.read("u/data")) == b"abcdef"

    def test_appending_nothing_changes_nothing(self, driver: Driver) -> None:
        self.run(driver.apply([Create("u/data")]))
        assert self.append(driver, "u/data") == 0
        assert self.append(driver, "u/data", b"") == 0
        assert self.run(driver.sizes(["u/data"])) == [0]

    def test_appends_after_reopening(self, driver: Driver) -> None:
        self.run(driver.apply([Create("u/data")]))
        assert self.append(driver, "u/data", b"one") == 3
        appender: Appender = self.run(driver.append_to("u/data"))
        assert appender.size == 3
        self.run(appender.close(flush=False))
        assert self.append(driver, "u/data", b"two") == 6
        assert self.run(driver.read("u/data")) == b"onetwo"

    def test_appends_more_chunks_than_a_system_call_takes(self, driver: Driver) -> None:
        chunks = [f"{number:07d}\n".encode() for number in range(5000)]
        self.run(driver.apply([Create("u/data")]))
        assert self.append(driver, "u/data", *chunks) == 40_000
        assert self.run(driver.read("u/data")) == b"".join(chunks)

    def test_create_never_loses_what_is_there(self, driver: Driver) -> None:
        self.run(driver.apply([Create("u/data")]))
        self.append(driver, "u/data", b"kept")
        with pytest.raises(StorageFailure):
            self.run(driver.apply([Create("u/data")]))
        assert self.run(driver.read("u/data")) == b"kept"

    def test_flushing_what_was_removed_meanwhile_is_absence(
        self, driver: Driver
    ) -> None:
        self.run(driver.apply([Create("u/data")]))
        appender: Appender = self.run(driver.append_to("u/data"))
        self.run(appender.append([b"lost"], []))
        self.run(driver.apply([Remove("u")]))
        with pytest.raises(Absent):
            self.run(appender.close(flush=True))
        with pytest.raises(Absent):
            self.run(driver.names("u"))

    def test_a_finished_upload_is_moved_into_place(self, driver: Driver) -> None:
        self.run(driver.apply([Create("u/data")]))
        self.append(driver, "u/data", b"content")
        self.run(driver.apply([Move("u/data", "blobs/data"), Remove("u")]))
        assert self.run(driver.read("blobs/data")) == b"content"
        with pytest.raises(Absent):
            self.run(driver.names("u"))

    def test_a_short_upload_is_appended_and_moved_in_one_go(
        self, driver: Driver
    ) -> None:
        self.run(driver.apply([Put("u/startedat", b"now"), Create("u/data")]))
        append = Append("u/data", 0, (b"con", b"tent"))
        self.run(driver.apply([append, Move("u/data", "b/data"), Discard("u")]))
        assert self.run(driver.read("b/data")) == b"content"
        assert self.run(driver.sizes(["u/startedat"])) == [None]

    def test_append_needs_the_size_that_it_was_made_for(self, driver: Driver) -> None:
        self.run(driver.apply([Create("u/data")]))
        self.append(driver, "u/data", b"before")
        with pytest.raises(StorageFailure):
            self.run(driver.apply([Append("u/data", 3, (b"x",))]))
        self.run(driver.apply([Append("u/data", 6, (b"after",))]))
        assert self.run(driver.read("u/data")) == b"beforeafter"

    def test_append_to_nothing_is_absence(self, driver: Driver) -> None:
        with pytest.raises(Absent):
            self.run(driver.apply([Append("u/data", 0, (b"x",))]))

    def test_what_is_not_there_is_discarded_without_trouble(
        self, driver: Driver
    ) -> None:
        self.put(driver, a=b"")
        self.run(driver.apply([Discard("d/none"), Discard("none/at/all")]))
        assert self.run(driver.names("d")) == ["a"]
