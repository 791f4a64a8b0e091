"""What every storage driver must do, as tests that any driver can run.

Subclass it in a test module, under a name that pytest collects, with a fixture
``driver`` that gives a driver on an empty root::

    class TestMine(DriverContract):
        @pytest.fixture
        def driver(self):
            return MyDriver()

A driver that needs a reactor overrides ``run``, which carries a coroutine through.
"""

# ruff: noqa: D102 (the name of a test says what it is)

from __future__ import annotations

import pytest

from registry.storage.driver import (
    Absent,
    Create,
    Driver,
    Move,
    Put,
    Remove,
    StorageFailure,
)
from registry.testing.append_contract import AppendContract
from registry.testing.read_contract import ReadContract

BAD_PATHS = (
    "",
    "/",
    "/etc/passwd",
    "..",
    "a/../b",
    "../a",
    "a/..",
    ".",
    "a/./b",
    "a//b",
    "a/",
    "a b",
    "a\n",
    "a\0b",
    "größe",
    "a:b",
    "a\\b",
    "~",
)


class DriverContract(ReadContract, AppendContract):
    """Tests of the ``Driver`` Protocol."""

    # the root

    def test_space_is_unbounded_or_what_is_free_of_the_whole(
        self, driver: Driver
    ) -> None:
        self.run(driver.apply([Put("a", b"content")]))
        space = self.run(driver.space())
        if space is not None:
            assert 0 <= space.free <= space.size
            assert space.block > 0
            assert (space.files is None) == (space.free_files is None)

    # changing

    def test_put_replaces(self, driver: Driver) -> None:
        self.put(driver, a=b"a longer one")
        self.put(driver, a=b"short")
        assert self.run(driver.read("d/a")) == b"short"

    def test_move_replaces_and_leaves_no_source(self, driver: Driver) -> None:
        self.put(driver, a=b"new", b=b"old")
        self.run(driver.apply([Move("d/a", "d/b")]))
        assert self.run(driver.read_many(["d/a", "d/b"])) == [None, b"new"]

    def test_move_makes_directories(self, driver: Driver) -> None:
        self.put(driver, a=b"content")
        self.run(driver.apply([Move("d/a", "x/y/z")]))
        assert self.run(driver.read("x/y/z")) == b"content"

    def test_move_onto_itself_changes_nothing(self, driver: Driver) -> None:
        self.put(driver, a=b"content")
        self.run(driver.apply([Move("d/a", "d/a")]))
        assert self.run(driver.read("d/a")) == b"content"

    def test_moving_a_directory_is_refused(self, driver: Driver) -> None:
        self.put(driver, a=b"content")
        with pytest.raises(StorageFailure):
            self.run(driver.apply([Move("d", "e")]))
        assert self.run(driver.read("d/a")) == b"content"

    def test_remove_of_what_is_not_there_succeeds(self, driver: Driver) -> None:
        self.put(driver, a=b"")
        paths = ["none", "none/deep/er", "d/none", "d/a/below"]
        self.run(driver.apply([Remove(path) for path in paths]))
        assert self.run(driver.names("d")) == ["a"]

    def test_remove_takes_trees_but_no_namesakes(self, driver: Driver) -> None:
        paths = ["x/ab", "x/a/deep/er", "x/a/b", "x/a-b/c", "x/a.b", "xa/a", "a"]
        self.run(driver.apply([Put(path, b"") for path in paths]))
        self.run(driver.apply([Remove("x/a")]))
        with pytest.raises(Absent):
            self.run(driver.names("x/a"))
        assert self.run(driver.names("x")) == ["a-b", "a.b", "ab"]
        assert self.run(driver.sizes(["x/a-b/c", "xa/a", "a"])) == [0, 0, 0]

    def test_what_was_removed_can_come_back(self, driver: Driver) -> None:
        self.put(driver, a=b"1")
        self.run(driver.apply([Remove("d"), Put("d/a", b"2")]))
        assert self.run(driver.read("d/a")) == b"2"

    def test_a_move_keeps_what_it_replaces_where_it_is_told_to(
        self, driver: Driver
    ) -> None:
        self.put(driver, a=b"1", b=b"2", c=b"3")
        for source in ("d/a", "d/b"):
            self.run(driver.apply([Move(source, "d/c", keep="kept/c")]))
        paths = ["d/a", "d/b", "d/c", "kept/c"]
        assert self.run(driver.read_many(paths)) == [None, None, b"2", b"3"]

    def test_where_nothing_is_replaced_nothing_is_kept(self, driver: Driver) -> None:
        self.put(driver, a=b"new")
        self.run(driver.apply([Move("d/a", "d/b", keep="kept/b")]))
        assert self.run(driver.sizes(["d/b", "kept/b"])) == [3, None]

    def test_what_is_written_later_has_the_greater_time(self, driver: Driver) -> None:
        self.put(driver, a=b"1", b=b"2")
        [first, none] = self.run(driver.written(["d/a", "d/none"]))
        assert none is None
        assert first is not None
        again: int | None = first
        while again == first:  # the clock of a file system moves in steps
            self.put(driver, a=b"3")
            [again] = self.run(driver.written(["d/a"]))
        assert again is not None
        assert again > first

    def test_digests_at_a_pace(self, driver: Driver) -> None:
        self.put(driver, a=b"one two")
        read: list[int] = []

        async def pace(count: int) -> None:
            read.append(count)

        assert self.run(driver.digest_of("d/a", [], pace)) == 7
        assert sum(read) == 7

    def test_a_file_that_was_moved_away_is_not_open_any_more(
        self, driver: Driver
    ) -> None:
        self.put(driver, a=b"old")
        self.run(driver.open("d/a")).close()
        self.run(driver.apply([Move("d/a", "d/b")]))
        with pytest.raises(Absent):
            self.run(driver.open("d/a"))

    def test_changes_are_applied_in_order(self, driver: Driver) -> None:
        self.run(
            driver.apply(
                [
                    Put("d/a", b"first"),
                    Move("d/a", "d/b"),
                    Put("d/a", b"second"),
                    Put("d/c", b"third"),
                    Remove("d/c"),
                ]
            )
        )
        found = self.run(driver.read_many(["d/a", "d/b", "d/c"]))
        assert found == [b"second", b"first", None]

    def test_a_failed_change_stops_those_after_it(self, driver: Driver) -> None:
        with pytest.raises(Absent):
            self.run(
                driver.apply([Put("d/a", b""), Move("d/none", "d/b"), Put("d/c", b"")])
            )
        assert self.run(driver.names("d")) == ["a"]

    def test_no_change_is_no_trouble(self, driver: Driver) -> None:
        self.run(driver.apply([]))
        self.run(driver.settle())

    # paths

    @pytest.mark.parametrize("path", BAD_PATHS)
    def test_refuses_a_path_that_is_none(self, driver: Driver, path: str) -> None:
        self.put(driver, a=b"")
        for asked in (
            driver.read(path),
            driver.read_many(["d/a", path]),
            driver.sizes(["d/a", path]),
            driver.names(path),
            driver.open(path),
            driver.apply([Create(path)]),
            driver.append_to(path),
            driver.digest_of(path, []),
            driver.apply([Remove("d/a"), Put(path, b"")]),
            driver.apply([Remove("d/a"), Remove(path)]),
            driver.apply([Remove("d/a"), Move("d/a", path)]),
            driver.apply([Remove("d/a"), Move(path, "d/b")]),
        ):
            with pytest.raises(ValueError, match="storage path"):
                self.run(asked)
        assert self.run(driver.names("d")) == ["a"]

    @pytest.mark.parametrize("path", ["a", "...", "..a", "-", "_x/A.b-c_d", ".hidden"])
    def test_takes_every_path_that_is_one(self, driver: Driver, path: str) -> None:
        self.run(driver.apply([Put(path, b"here")]))
        assert self.run(driver.read(path)) == b"here"

    # the whole

    def test_answers_a_probe(self, driver: Driver) -> None:
        self.put(driver, a=b"")
        self.run(driver.probe())

    def test_may_be_closed_twice(self, driver: Driver) -> None:
        self.run(driver.close())
        self.run(driver.close())
