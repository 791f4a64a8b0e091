"""What every storage driver must do when it is read from and asked for names.

``DriverContract`` includes it, so a driver's tests subclass that one alone.
"""

# ruff: noqa: D102 (the name of a test says what it is)

from __future__ import annotations

import hashlib

import pytest

from registry.core.digest import Digest, Hasher
from registry.storage.driver import (
    Absent,
    Content,
    Create,
    Driver,
    Move,
    Put,
    Remove,
    StorageFailure,
)
from registry.testing.driven import Driven


class ReadContract(Driven):
    """Tests of what a driver tells of files and directories."""

    # reading

    def test_reads_what_was_put(self, driver: Driver) -> None:
        self.put(driver, a=b"one\x00two")
        assert self.run(driver.read("d/a")) == b"one\x00two"

    def test_an_empty_file_is_a_file(self, driver: Driver) -> None:
        self.put(driver, a=b"")
        assert self.run(driver.read("d/a")) == b""
        assert self.run(driver.sizes(["d/a"])) == [0]
        assert self.run(driver.digest_of("d/a", [])) == 0
        content = self.run(driver.open("d/a"))
        assert content.size == 0
        assert self.run(content.read(0, 0)) == b""
        content.close()

    def test_reads_many_in_the_order_asked(self, driver: Driver) -> None:
        self.put(driver, a=b"1", b=b"22")
        paths = ["d/b", "d/none", "none/a", "d/a", "d/b"]
        assert self.run(driver.read_many(paths)) == [b"22", None, None, b"1", b"22"]
        assert self.run(driver.sizes(paths)) == [2, None, None, 1, 2]

    def test_reads_none_of_none(self, driver: Driver) -> None:
        assert self.run(driver.read_many([])) == []
        assert self.run(driver.sizes([])) == []

    @pytest.mark.parametrize("path", ["none", "none/a", "d/none", "d/a/below"])
    def test_what_is_not_there_is_absent(self, driver: Driver, path: str) -> None:
        self.put(driver, a=b"file")
        for asked in (
            driver.read(path),
            driver.open(path),
            driver.names(path),
            driver.append_to(path),
            driver.digest_of(path, []),
            driver.apply([Move(path, "d/elsewhere")]),
        ):
            with pytest.raises(Absent) as raised:
                self.run(asked)
            assert raised.value.path == path
        assert self.run(driver.read_many([path])) == [None]
        assert self.run(driver.sizes([path])) == [None]

    def test_a_directory_is_not_an_absent_file(self, driver: Driver) -> None:
        self.put(driver, a=b"file")
        for asked in (
            driver.read("d"),
            driver.read_many(["d"]),
            driver.sizes(["d"]),
            driver.open("d"),
            driver.append_to("d"),
            driver.digest_of("d", []),
            driver.apply([Put("d", b"")]),
        ):
            with pytest.raises(StorageFailure):
                self.run(asked)
        assert self.run(driver.read("d/a")) == b"file"

    def test_a_file_is_not_a_directory(self, driver: Driver) -> None:
        self.put(driver, a=b"file")
        with pytest.raises(Absent):
            self.run(driver.names("d/a"))
        with pytest.raises(StorageFailure):
            self.run(driver.apply([Put("d/a/b", b"")]))
        with pytest.raises(StorageFailure):
            self.run(driver.apply([Create("d/a/b")]))

    def test_open_content_is_read_in_parts(self, driver: Driver) -> None:
        self.put(driver, a=b"0123456789")
        content = self.run(driver.open("d/a"))
        assert content.size == 10
        assert self.run(content.read(3, 4)) == b"3456"
        assert self.run(content.read(0, 10)) == b"0123456789"
        assert content.held in (None, b"0123456789")
        content.close()

    def test_reading_past_the_end_is_a_failure(self, driver: Driver) -> None:
        self.put(driver, a=b"0123456789")
        content = self.run(driver.open("d/a"))
        with pytest.raises(StorageFailure):
            self.run(content.read(8, 3))
        content.close()

    def test_content_may_be_closed_twice(self, driver: Driver) -> None:
        self.put(driver, a=b"0")
        content = self.run(driver.open("d/a"))
        content.close()
        content.close()

    def test_open_content_outlives_replacement(self, driver: Driver) -> None:
        self.put(driver, a=b"old", b=b"old too")
        first, second = self.run(driver.open("d/a")), self.run(driver.open("d/b"))
        self.run(driver.apply([Put("d/a", b"new"), Remove("d/b")]))
        assert self.run(_whole(first)) == b"old"
        assert self.run(_whole(second)) == b"old too"
        first.close()
        second.close()

    def test_digests_a_whole_file(self, driver: Driver) -> None:
        content = bytes(range(256)) * 12_288  # three pieces of 1 MiB
        self.put(driver, a=content + b"tail")
        hashers: list[Hasher] = [hashlib.sha256(), hashlib.sha512()]
        assert self.run(driver.digest_of("d/a", hashers)) == len(content) + 4
        assert hashers[0].hexdigest() == Digest.of(content + b"tail").hex
        assert hashers[1].hexdigest() == Digest.of(content + b"tail", "sha512").hex

    # listing

    def test_names_are_sorted_and_of_children_only(self, driver: Driver) -> None:
        paths = ["d/b", "d/a10", "d/a9", "d/B", "d/_x", "d/c/deep/er", "dd/other"]
        self.run(driver.apply([Put(path, b"") for path in paths]))
        listed = self.run(driver.names("d"))
        assert listed == ["B", "_x", "a10", "a9", "b", "c"]

    def test_temporary_files_are_not_listed(self, driver: Driver) -> None:
        self.put(
            driver, link=b"", **{"link.0f8fad5b-d9cb-469f-a165-70867728950e.tmp": b""}
        )
        assert self.run(driver.names("d")) == ["link"]

    def test_a_tag_may_end_in_tmp(self, driver: Driver) -> None:
        self.run(driver.apply([Put("d/v1.tmp/current/link", b"")]))
        assert self.run(driver.names("d")) == ["v1.tmp"]

    def test_an_emptied_directory_stays(self, driver: Driver) -> None:
        self.put(driver, a=b"")
        self.run(driver.apply([Remove("d/a")]))
        assert self.run(driver.names("d")) == []


async def _whole(content: Content) -> bytes:
    return await content.read(0, content.size)
