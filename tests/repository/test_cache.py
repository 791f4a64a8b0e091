from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from registry.repository.cache import OVERHEAD, Cache
from registry.testing.results import result_of


def cost(_value: str) -> int:
    return 0


def test_remembers_what_was_put() -> None:
    cache: Cache[str, str] = Cache(limit=10_000)
    cache.put("a", "1", 1)
    assert cache.get("a") == "1"
    assert cache.get("b") is None


def test_the_least_recently_used_makes_room() -> None:
    cache: Cache[str, str] = Cache(limit=2 * (OVERHEAD + 1))
    cache.put("a", "1", 1)
    cache.put("b", "2", 1)
    cache.get("a")
    cache.put("c", "3", 1)
    assert [cache.get(key) for key in "abc"] == ["1", None, "3"]


def test_is_bounded_in_entries_too() -> None:
    cache: Cache[str, str] = Cache(limit=1_000_000, entries=2)
    for key in "abc":
        cache.put(key, key, 0)
    assert len(cache) == 2


def test_what_is_too_big_is_not_kept_and_displaces_nothing() -> None:
    cache: Cache[str, str] = Cache(limit=1000)
    cache.put("a", "1", 1)
    cache.put("b", "2", 1000)
    assert [cache.get(key) for key in "ab"] == ["1", None]


def test_a_limit_of_zero_switches_it_off() -> None:
    cache: Cache[str, str] = Cache(limit=0)
    cache.put("a", "1", 0)
    assert cache.get("a") is None


def test_drop_where_takes_matching_keys_only() -> None:
    cache: Cache[str, str] = Cache(limit=10_000)
    for key in ("a1", "a2", "b1"):
        cache.put(key, key, 0)
    cache.drop_where(lambda key: key.startswith("a"))
    assert [cache.get(key) for key in ("a1", "a2", "b1")] == [None, None, "b1"]


def test_fill_remembers_what_was_read() -> None:
    cache: Cache[str, str] = Cache(limit=10_000)

    async def read() -> str:
        return "read"

    assert result_of(cache.fill("a", read, cost)) == "read"
    assert cache.get("a") == "read"


def filling(cache: Cache[str, str]) -> tuple[Deferred[str], Deferred[str]]:
    """A fill of ``a`` that waits, and what it waits for."""
    disk: Deferred[str] = Deferred()

    async def read() -> str:
        return await disk

    return Deferred.fromCoroutine(cache.fill("a", read, cost)), disk


def test_fill_does_not_remember_what_a_writer_has_overtaken() -> None:
    cache: Cache[str, str] = Cache(limit=10_000)
    filled, disk = filling(cache)
    cache.put("a", "new", 0)
    disk.callback("old")
    assert filled.result == "old"
    assert cache.get("a") == "new"


def test_fill_does_not_bring_back_what_was_dropped() -> None:
    for drop in (
        lambda cache: cache.drop("a"),
        lambda cache: cache.drop_where(lambda key: key == "a"),
    ):
        cache: Cache[str, str] = Cache(limit=10_000)
        _, disk = filling(cache)
        drop(cache)
        disk.callback("old")
        assert cache.get("a") is None


def test_a_read_that_fails_leaves_nothing_behind() -> None:
    cache: Cache[str, str] = Cache(limit=10_000)
    filled, disk = filling(cache)
    disk.errback(OSError("broken"))
    filled.addErrback(lambda failure: failure.trap(OSError))
    second, disk = filling(cache)
    disk.callback("good")
    assert (second.result, cache.get("a")) == ("good", "good")


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.integers(0, 2000), st.booleans()),
        max_size=60,
    )
)
def test_never_holds_more_than_its_limit_and_counts_right(
    steps: list[tuple[str, int, bool]],
) -> None:
    cache: Cache[str, int] = Cache(limit=3000, entries=4)
    kept: dict[str, int] = {}
    for key, size, dropping in steps:
        if dropping:
            cache.drop(key)
            kept.pop(key, None)
        else:
            cache.put(key, size, size)
            kept[key] = size
        held = {key: cache.get(key) for key in kept}
        present = {key: size for key, size in held.items() if size is not None}
        assert all(kept[key] == size for key, size in present.items())
        assert cache.size == sum(size + OVERHEAD for size in present.values()) <= 3000
        assert len(cache) == len(present) <= 4
