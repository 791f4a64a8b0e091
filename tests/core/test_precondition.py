from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.precondition import match, none_match

opaque = st.text(st.sampled_from("ab:1"), min_size=1, max_size=3)
tags = st.builds(lambda weak, text: (weak, text), st.booleans(), opaque)
lists = st.lists(tags, min_size=1, max_size=4)


def written(listed: list[tuple[bool, str]]) -> str:
    return ", ".join(("W/" if weak else "") + f'"{text}"' for weak, text in listed)


@given(lists, opaque)
def test_if_none_match_compares_weakly(
    listed: list[tuple[bool, str]], here: str
) -> None:
    named = here in {text for _, text in listed}
    assert none_match(written(listed), f'"{here}"') is not named
    assert none_match(written(listed), f'W/"{here}"') is not named


@given(lists, opaque)
def test_if_match_compares_strongly(listed: list[tuple[bool, str]], here: str) -> None:
    assert match(written(listed), f'"{here}"') is ((False, here) in listed)
    assert not match(written(listed), f'W/"{here}"')


@given(st.text(max_size=40), st.none() | opaque)
def test_no_header_of_a_precondition_is_an_error(header: str, here: str | None) -> None:
    etag = None if here is None else f'"{here}"'
    assert none_match(header, etag) in {True, False}
    assert match(header, etag) in {True, False}


def test_without_a_header_the_request_goes_on() -> None:
    assert none_match(None, '"a"')
    assert none_match(None, None)
    assert match(None, '"a"')
    assert match(None, None)


@pytest.mark.parametrize("header", ["*", " * "])
def test_a_star_means_anything_that_is_here(header: str) -> None:
    assert not none_match(header, '"a"')
    assert none_match(header, None)
    assert match(header, '"a"')
    assert not match(header, None)


def test_where_nothing_is_no_tag_matches() -> None:
    assert none_match('"a"', None)
    assert not match('"a"', None)


@pytest.mark.parametrize(
    "header",
    ['"sha256:a"', "sha256:a", '"x","sha256:a"', "x , sha256:a", '"x, y", "sha256:a"'],
)
def test_a_digest_counts_quoted_and_bare(header: str) -> None:
    assert not none_match(header, '"sha256:a"')
    assert match(header, '"sha256:a"')


@pytest.mark.parametrize("header", ["", ",", '"', '"sha256:a', '""', "sha256:", '"*"'])
def test_what_names_nothing_matches_nothing(header: str) -> None:
    assert none_match(header, '"sha256:ab"')
    assert not match(header, '"sha256:ab"')
