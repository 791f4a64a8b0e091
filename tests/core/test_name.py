from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.digest import Digest
from registry.core.errors import DigestInvalid, NameInvalid, TagInvalid
from registry.core.name import NAME_LIMIT, RepositoryName, Tag, parse_reference

# As the distribution specification writes them, "Pulling manifests".
SPEC_NAME = re.compile(
    r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
)
SPEC_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")

near_names = st.text(st.sampled_from("ab0._-/A\n %"), max_size=20)


@given(st.from_regex(SPEC_NAME, fullmatch=True))
def test_every_name_of_the_specification_is_accepted_up_to_its_limit(
    text: str,
) -> None:
    if len(text) <= NAME_LIMIT:
        assert str(RepositoryName(text)) == text
    else:
        with pytest.raises(NameInvalid, match=str(NAME_LIMIT)):
            RepositoryName(text)


@given(near_names)
def test_no_other_name_is_accepted(text: str) -> None:
    if SPEC_NAME.fullmatch(text):
        RepositoryName(text)
    else:
        with pytest.raises(NameInvalid):
            RepositoryName(text)


@given(near_names)
def test_a_name_can_never_lead_out_of_its_directory(text: str) -> None:
    try:
        name = RepositoryName(text)
    except NameInvalid:
        return
    assert all(part not in {"", ".", ".."} for part in name.text.split("/"))
    assert not any(part.startswith("_") for part in name.text.split("/"))


@given(st.from_regex(SPEC_TAG, fullmatch=True) | near_names)
def test_tags_are_exactly_those_of_the_specification(text: str) -> None:
    if SPEC_TAG.fullmatch(text):
        assert str(Tag(text)) == text
    else:
        with pytest.raises(TagInvalid):
            Tag(text)


def test_a_tag_has_at_most_128_characters() -> None:
    assert Tag("a" * 128)
    with pytest.raises(TagInvalid):
        Tag("a" * 129)


def test_a_name_of_the_greatest_length_is_judged_at_once() -> None:
    with pytest.raises(NameInvalid):
        RepositoryName("a-" * 127)


@given(st.from_regex(SPEC_TAG, fullmatch=True), st.binary(max_size=8))
def test_a_reference_is_a_tag_or_a_digest(tag: str, content: bytes) -> None:
    assert parse_reference(tag) == Tag(tag)
    digest = Digest.of(content)
    assert parse_reference(str(digest)) == digest


def test_a_malformed_digest_is_not_taken_for_a_tag() -> None:
    with pytest.raises(DigestInvalid):
        parse_reference("sha256:short")
