from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.errors import PageInvalid
from registry.core.page import PageRequest, cut_page

names = st.lists(st.text("abAB-_.", min_size=1, max_size=3), unique=True).map(sorted)
numbers = st.integers(0, 12)
lasts = st.none() | st.text("abAB-_.", max_size=3)


@given(names, st.none() | numbers, lasts)
def test_a_page_is_what_a_walk_through_all_names_finds(
    listed: list[str], n: int | None, last: str | None
) -> None:
    after = [name for name in listed if not last or name > last]
    wanted = after if n is None else after[:n]
    more = bool(wanted) and len(wanted) < len(after)
    assert cut_page(listed, PageRequest(n, last)) == (
        wanted,
        wanted[-1] if more else None,
    )


@given(names, st.integers(1, 5))
def test_following_the_pages_finds_every_name_once(listed: list[str], n: int) -> None:
    found: list[str] = []
    last: str | None = None
    while True:
        page, last = cut_page(listed, PageRequest(n, last))
        found += page
        if last is None:
            break
        assert len(page) == n
    assert found == listed


def test_no_names_asked_for_are_an_empty_page_and_no_next_one() -> None:
    assert cut_page(["a", "b"], PageRequest(0, None)) == ([], None)


def test_a_last_that_was_deleted_meanwhile_still_says_where_to_go_on() -> None:
    assert cut_page(["a", "c"], PageRequest(1, "b")) == (["c"], None)


@given(numbers, lasts, st.none() | st.integers(1, 6))
def test_n_is_lowered_to_the_maximum(
    n: int, last: str | None, maximum: int | None
) -> None:
    page = PageRequest.parse(str(n), last, maximum=maximum)
    assert page.n == (n if maximum is None else min(n, maximum))
    assert page.last == (last or None)


@pytest.mark.parametrize("n", [None, ""])
def test_a_missing_n_asks_for_all(n: str | None) -> None:
    assert PageRequest.parse(n, "", maximum=5) == PageRequest(None, None)


@pytest.mark.parametrize(
    "n",
    ["-1", "x", "1.0", " 1", "+1", "1e3", "0x1", "\uff11", "9" * 5000],
    ids=lambda n: n[:5],
)
def test_an_n_that_is_no_number_is_refused(n: str) -> None:
    with pytest.raises(PageInvalid, match="whole number"):
        PageRequest.parse(n, None, maximum=100)
