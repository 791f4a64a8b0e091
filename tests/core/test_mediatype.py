from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.mediatype import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEX_TYPES,
    MANIFEST_TYPES,
    OCI_INDEX,
    OCI_MANIFEST,
    accepts,
    essence,
    is_media_type,
)

types = st.sampled_from(sorted(MANIFEST_TYPES | INDEX_TYPES))
spaces = st.sampled_from(["", " ", "\t", "  "])


@given(types, spaces, spaces, st.sampled_from(["", ";charset=utf-8", "; q=0.5"]))
def test_the_essence_has_no_parameters_no_spaces_and_no_upper_case(
    media_type: str, before: str, after: str, parameters: str
) -> None:
    assert essence(before + media_type.upper() + after + parameters) == media_type


@given(st.text(max_size=60))
def test_the_essence_of_an_essence_is_itself(text: str) -> None:
    assert essence(essence(text)) == essence(text)


@given(st.text(max_size=60))
def test_a_media_type_can_stand_in_a_header(text: str) -> None:
    if is_media_type(text):
        assert text.isascii()
        assert text.isprintable()
        assert not set(text) & set(' ,;"')


@given(
    st.sampled_from(
        [None, "", " ", " , ", "*/*", "application/*", "text/html, */*;q=0.1"]
    ),
    types,
)
def test_clients_that_do_not_care_take_anything(
    accept: str | None, media_type: str
) -> None:
    assert accepts(accept, media_type)


@given(st.lists(types, min_size=1), types)
def test_a_list_of_types_takes_exactly_those(listed: list[str], wanted: str) -> None:
    assert accepts(", ".join(listed), wanted) == (wanted in listed)


@pytest.mark.parametrize(
    ("accept", "taken"),
    [
        ("text/*", False),
        ("application/json", False),
        (OCI_MANIFEST.upper(), True),
        (f"{OCI_MANIFEST};q=0", False),
        (f"{OCI_MANIFEST}; q=0.000", False),
        (f"{OCI_MANIFEST};q=0;x=1", False),
        (f"{OCI_MANIFEST};q=0.001", True),
        (f"{OCI_MANIFEST};q=0, */*", False),
        (f"*/*, {OCI_MANIFEST};q=0", False),
        (f"application/*;q=0, {OCI_MANIFEST}", True),
        ("*/*, application/*;q=0", False),
        (f"{OCI_MANIFEST}x", False),
        (f"{OCI_INDEX},{DOCKER_LIST},{DOCKER_MANIFEST}", False),
        (";;;q=,,,", False),
    ],
)
def test_the_most_specific_range_decides(accept: str, taken: bool) -> None:
    assert accepts(accept, OCI_MANIFEST) is taken


@given(st.text(max_size=80))
def test_no_accept_header_is_an_error(accept: str) -> None:
    assert accepts(accept, OCI_MANIFEST) in {True, False}
