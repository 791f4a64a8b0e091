"""Parts of something: so many, or so many percent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.share import Share, format_percent, parse_percent


def test_a_fixed_share_is_itself_whatever_the_whole() -> None:
    assert Share(64).of(10) == 64


def test_a_percentage_grows_with_the_whole() -> None:
    assert Share(2.5, is_percent=True).of(1000) == 25


@pytest.mark.parametrize("text", ["", "%", "5", "100%", "-1%", "5 percent", "1e1%"])
def test_what_is_no_percentage_is_told_apart(text: str) -> None:
    assert parse_percent(text) is None


@given(st.integers(0, 99_999))
def test_a_shown_percentage_is_read_back_as_itself(thousandths: int) -> None:
    share = Share(thousandths / 1000, is_percent=True)
    assert parse_percent(format_percent(share)) == share
