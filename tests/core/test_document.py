from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.document import DEPTH_LIMIT, VALUE_LIMIT, parse_document
from registry.core.errors import ManifestInvalid

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), values, max_size=4))
def test_every_object_is_read_as_it_was_written(fields: dict[str, object]) -> None:
    assert parse_document(json.dumps(fields).encode()) == fields


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{} {}",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\x00"}',
    ],
)
def test_text_that_parsers_read_differently_is_refused(body: bytes) -> None:
    with pytest.raises(ManifestInvalid):
        parse_document(body)


def test_a_key_that_appears_twice_is_named() -> None:
    with pytest.raises(ManifestInvalid, match="'layers' appears twice"):
        parse_document(b'{"layers": [], "config": {}, "layers": []}')


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("depth", [DEPTH_LIMIT, 5_000, 200_000])
def test_nesting_has_an_end(opening: str, closing: str, depth: int) -> None:
    body = '{"a":' + opening * depth + "0" + closing * depth + "}"
    with pytest.raises(ManifestInvalid, match="nests deeper"):
        parse_document(body.encode())


@pytest.mark.parametrize("value", ["0", "[]", "{}", '""'])
def test_values_without_number_are_refused_before_they_take_memory(value: str) -> None:
    body = '{"a":[' + ",".join([value] * (VALUE_LIMIT + 1)) + "]}"
    with pytest.raises(ManifestInvalid, match="more than 262144 values"):
        parse_document(body.encode())


def test_an_operator_sets_how_deep_nesting_may_be() -> None:
    assert parse_document(b'{"a":[[0]]}', depth=3)
    with pytest.raises(ManifestInvalid, match="deeper than 2 levels"):
        parse_document(b'{"a":[[0]]}', depth=2)


def test_nesting_that_only_looks_deep_is_accepted() -> None:
    fields = {"wide": [[] for _ in range(10_000)], "text": "[" * 10_000}
    assert parse_document(json.dumps(fields).encode()) == fields
    deep = "[" * (DEPTH_LIMIT - 1) + "]" * (DEPTH_LIMIT - 1)
    assert parse_document(b'{"a":' + deep.encode() + b"}")
