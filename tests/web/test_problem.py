"""Refusals: each has its status, and all have the specification's envelope."""

from __future__ import annotations

import json

import pytest

from registry.core import errors
from registry.core.errors import RangeInvalid, Refusals, RegistryError
from registry.web.problem import STATUSES, problem, refusal

CLASSES = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, RegistryError)
]
ABSTRACT = {RegistryError, Refusals}


def test_every_refusal_has_a_status_of_its_own() -> None:
    assert set(STATUSES) == set(CLASSES) - ABSTRACT
    assert all(400 <= status < 600 for status in STATUSES.values())
    assert 500 not in STATUSES.values()


@pytest.mark.parametrize("kind", STATUSES)
def test_a_refusal_is_an_envelope(kind: type[RegistryError]) -> None:
    error = kind(offset=0) if kind is RangeInvalid else kind()
    response = problem(error, ("X-More", "1"))
    assert response.status == STATUSES[kind]
    again = kind.retry_after and f"Retry-After: {kind.retry_after}\r\n"
    expected = f"Content-Type: application/json\r\nX-More: 1\r\n{again or ''}"
    assert response.head == expected.encode()
    [entry] = json.loads(response.body)["errors"]
    assert entry == {"code": kind.code, "message": kind.summary}


def test_those_who_may_come_again_are_told_when() -> None:
    assert {kind for kind in STATUSES if kind.retry_after} == {
        errors.Busy,
        errors.TooManyRequests,
    }


def test_details_are_told() -> None:
    response = problem(errors.DigestInvalid("no", detail={"a": ["\u20ac"]}))
    [entry] = json.loads(response.body)["errors"]
    assert entry["detail"] == {"a": ["\u20ac"]}
    assert response.body.isascii()


def test_several_refusals_are_told_together() -> None:
    missing = [errors.ManifestBlobUnknown(detail=one) for one in "ab"]
    response = problem(Refusals(list(missing)))
    assert response.status == 400
    told = json.loads(response.body)["errors"]
    assert [one["detail"] for one in told] == ["a", "b"]


def test_hostile_text_stays_in_the_envelope() -> None:
    response = refusal(400, '"}]}\r\nX: y\udc80', code="UNSUPPORTED")
    assert b"\r" not in response.body
    [entry] = json.loads(response.body)["errors"]
    assert entry["message"] == '"}]}\r\nX: y\udc80'
