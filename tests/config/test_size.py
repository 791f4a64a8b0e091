"""Sizes: plain bytes or with a unit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.config.size import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4194304", 4 * 2**20),
        ("4MiB", 4 * 2**20),
        ("32 KiB", 32768),
        ("7B", 7),
    ],
)
def test_a_size_is_bytes_or_a_number_with_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "4MB", "4mib", "-1", "1.5GiB", "MiB", "4 M iB"])
def test_what_is_not_a_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 4MiB"):
        parse_size(text)


def test_a_size_beyond_64_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than any disk"):
        parse_size("99999999999TiB")


@settings(deadline=None)
@given(st.integers(0, 10**18 - 1))
def test_a_shown_size_is_read_back_as_itself(size: int) -> None:
    assert parse_size(format_size(size)) == size
