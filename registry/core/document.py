"""A document: a JSON object of strict grammar, and typed looks into it.

Parsers that differ about one text are how a manifest means one thing to a registry and
another to a client. So what is ambiguous is refused: text that is not UTF-8, keys that
appear twice, NaN, nesting without end, and values without number, which take far more
memory than their text. RFC 8259 4 and 8.1.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import NoReturn, cast

from registry.core.errors import ManifestInvalid

DEPTH_LIMIT = 100
"""Objects and arrays inside each other; no manifest needs more than a few."""

VALUE_LIMIT = 2**18
"""Commas and brackets, of which each value has one; 4 MiB of descriptors have half."""


def parse_document(
    body: bytes, *, depth: int = DEPTH_LIMIT, values: int = VALUE_LIMIT
) -> dict[str, object]:
    """The object that ``body`` spells, up to ``depth`` deep and of so many ``values``.

    Raises ManifestInvalid.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > values:
        raise ManifestInvalid(f"the manifest has more than {values} values")
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise _too_deep(depth) from None
    except ValueError as error:
        raise ManifestInvalid(
            f"the manifest is not valid JSON ({error}); send the bytes unchanged"
        ) from None
    if not isinstance(value, dict):
        raise ManifestInvalid("the manifest is not a JSON object; send one")
    _check_depth(value, depth)
    return value


def as_object(value: object, where: str) -> dict[str, object]:
    """``value``, which has to be an object. Raises ManifestInvalid."""
    if not isinstance(value, dict):
        raise ManifestInvalid(f"{where} is not an object; write one")
    return cast("dict[str, object]", value)


def text_field(fields: Mapping[str, object], key: str, where: str) -> str:
    """The string at ``key``, or "" where there is none. Raises ManifestInvalid."""
    value = fields.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ManifestInvalid(f"{_below(where, key)} is not a string; write one")
    return value


def list_field(fields: Mapping[str, object], key: str, where: str) -> list[object]:
    """The array at ``key``, empty where there is none. Raises ManifestInvalid."""
    value = fields.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ManifestInvalid(f"{_below(where, key)} is not an array; write one")
    return value


def texts_field(fields: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    """The array of strings at ``key``. Raises ManifestInvalid."""
    values = list_field(fields, key, where)
    texts = tuple(value for value in values if isinstance(value, str))
    if len(texts) != len(values):
        raise ManifestInvalid(f"{_below(where, key)} has an entry that is no string")
    return texts


def annotations_field(fields: Mapping[str, object], where: str) -> dict[str, str]:
    """The annotations: strings by strings. Raises ManifestInvalid.

    Spec: image-spec annotations, Rules.
    """
    value = fields.get("annotations")
    if value is None:
        return {}
    place = _below(where, "annotations")
    pairs = as_object(value, place)
    for key, text in pairs.items():
        if not isinstance(text, str):
            raise ManifestInvalid(f"{place}[{key[:80]!r}] is not a string; quote it")
    return cast("dict[str, str]", pairs)


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise ValueError(f"the key {twice[:80]!r} appears twice in one object")
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _check_depth(value: object, depth: int) -> None:
    """Walk level by level, so that the walk itself cannot run out of stack."""
    level = [value]
    for _ in range(depth):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(v for v in item.values() if isinstance(v, dict | list))
            elif isinstance(item, list):
                below.extend(v for v in item if isinstance(v, dict | list))
        if not below:
            return
        level = below
    raise _too_deep(depth)


def _too_deep(depth: int) -> ManifestInvalid:
    return ManifestInvalid(f"the manifest nests deeper than {depth} levels; flatten it")
