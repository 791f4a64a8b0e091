"""Durations as Go writes them."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.config.duration import UNITS, format_duration, parse_duration

HOUR = 3600.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300.0),
        ("1h30m", 1.5 * HOUR),
        ("168h", 168 * HOUR),
        ("500ms", 0.5),
        ("1.5h", 1.5 * HOUR),
        (".5s", 0.5),
        ("1.s", 1.0),
        ("+10s", 10.0),
        ("0", 0.0),
        ("10us", 1e-5),
        ("10µs", 1e-5),
        ("10μs", 1e-5),
        ("1h1m1s1ms1us1ns", 3661.001001001),
        ("1000000000", 1.0),
        ("250000000", 0.25),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        ".s",
        "5 m",
        "5min",
        "5M",
        "1h-3m",
        "1d",
        "five",
        "1_000s",
        "\N{ARABIC-INDIC DIGIT FIVE}s",
    ],
)
def test_what_is_not_a_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write a duration such as 500ms"):
        parse_duration(text)


def test_a_negative_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        parse_duration("-5s")


@pytest.mark.parametrize("text", ["9223372036854775808", "2562048h", "9" * 90 + "s"])
def test_a_duration_that_go_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="292 years"):
        parse_duration(text)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 10_000), st.sampled_from(sorted(UNITS))),
        min_size=1,
        max_size=6,
    )
)
def test_the_parts_of_a_duration_add_up(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{count}{unit}" for count, unit in parts)
    total = sum(count * UNITS[unit] for count, unit in parts)
    assert parse_duration(text) == total / 10**9


@settings(deadline=None)
@given(st.integers(0, 2**53))
def test_a_shown_duration_is_read_back_as_itself(nanoseconds: int) -> None:
    seconds = nanoseconds / 1e9
    assert parse_duration(format_duration(seconds)) == seconds


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= 0
