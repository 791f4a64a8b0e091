"""States of upload sessions: only our own, of the same session, tell anything."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.web.session_state import SessionStates

STATES = SessionStates(b"secret")
SESSION = "00000000-0000-4000-8000-000000000001"
SEALED = STATES.seal(name="a/b", session=SESSION, offset=7)


def test_a_state_tells_the_offset() -> None:
    assert STATES.offset(SEALED, name="a/b", session=SESSION) == 7


def test_a_state_is_as_distribution_writes_it() -> None:
    sealed = base64.urlsafe_b64decode(SEALED)
    assert json.loads(sealed[32:]) == {
        "Name": "a/b",
        "UUID": SESSION,
        "Offset": 7,
    }


def test_a_state_of_another_secret_tells_nothing() -> None:
    other = SessionStates(b"other")
    assert other.offset(SEALED, name="a/b", session=SESSION) is None


def test_a_state_of_another_repository_tells_nothing() -> None:
    assert STATES.offset(SEALED, name="a/c", session=SESSION) is None


def test_a_state_of_another_session_tells_nothing() -> None:
    other = SESSION.replace("1", "2")
    assert STATES.offset(SEALED, name="a/b", session=other) is None


@pytest.mark.parametrize("state", [None, "", "=", "a", "a===", "\u20ac", "A" * 5000])
def test_what_is_no_state_tells_nothing(state: str | None) -> None:
    assert STATES.offset(state, name="a/b", session=SESSION) is None


@given(st.integers(0, len(SEALED) - 5), st.sampled_from("AZaz09-_"))
def test_a_forged_state_tells_nothing(at: int, letter: str) -> None:
    forged = SEALED[:at] + letter + SEALED[at + 1 :]
    told = STATES.offset(forged, name="a/b", session=SESSION)
    assert told == (7 if forged == SEALED else None)


@given(st.text(max_size=200))
def test_any_text_tells_nothing(state: str) -> None:
    assert STATES.offset(state, name="a/b", session=SESSION) is None


@given(st.integers(0, 1 << 60))
def test_every_sealed_offset_is_told(offset: int) -> None:
    sealed = STATES.seal(name="a", session=SESSION, offset=offset)
    assert STATES.offset(sealed, name="a", session=SESSION) == offset


def test_the_secret_is_not_shown() -> None:
    assert "secret" not in repr(STATES).replace("SessionStates", "")
