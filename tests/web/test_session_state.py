"""The signed offset in the URL of an upload, as Distribution makes and reads it.

Source: Distribution, registry/handlers/hmac.go.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.digest import HEX_LENGTHS
from registry.repository.blank import Blank
from registry.web.session_state import SessionStates

NAME = "team/app"
SESSION = "00000000-0000-4000-8000-000000000001"
SECRET = b"a secret"
OURS = SessionStates(SECRET)
SEALED = OURS.seal(name=NAME, session=SESSION, offset=7)


def of_distribution(**fields: object) -> str:
    """A state as Distribution makes it, with all that it puts in."""
    state = {
        "Name": NAME,
        "UUID": SESSION,
        "Offset": 1024,
        "StartedAt": "2026-01-02T03:04:05.678901234Z",
        "DigestAlgorithm": "sha512",
    }
    text = json.dumps(state | fields).encode()
    mac = hmac.new(SECRET, text, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac + text).decode()


def told(state: str | None) -> int | None:
    """The offset that a state tells of the session that is meant."""
    return OURS.offset(state, name=NAME, session=SESSION)


def test_a_state_of_distribution_is_understood() -> None:
    assert told(of_distribution()) == 1024


def test_a_state_has_what_distribution_looks_at() -> None:
    sealed = base64.urlsafe_b64decode(OURS.seal(name=NAME, session=SESSION, offset=7))
    mac, text = sealed[:32], sealed[32:]
    assert mac == hmac.new(SECRET, text, hashlib.sha256).digest()
    assert json.loads(text) == {"Name": NAME, "UUID": SESSION, "Offset": 7}


@pytest.mark.parametrize(
    "fields",
    [{"Name": "another"}, {"UUID": "another"}, {"Offset": None}, {"Offset": "1"}],
)
def test_a_state_of_something_else_tells_nothing(fields: dict[str, object]) -> None:
    assert told(of_distribution(**fields)) is None


BLANK = Blank(1_767_323_045, "sha512", "a run")


def proved(state: str | None) -> Blank | None:
    """The blank session that a state proves."""
    return OURS.blank(state, name=NAME, session=SESSION)


@pytest.mark.parametrize("algorithm", HEX_LENGTHS)
def test_a_state_of_a_blank_session_is_all_there_is_to_it(algorithm: str) -> None:
    blank = attrs.evolve(BLANK, algorithm=algorithm)
    state = OURS.seal(name=NAME, session=SESSION, offset=0, blank=blank)
    assert (proved(state), told(state)) == (blank, 0)
    fields = json.loads(base64.urlsafe_b64decode(state)[32:])
    assert fields["StartedAt"] == "2026-01-02T03:04:05Z"
    assert OURS.blank(state, name="another", session=SESSION) is None
    assert SessionStates(b"another").blank(state, name=NAME, session=SESSION) is None


def test_a_session_of_distribution_is_never_blank() -> None:
    """It has its files from the beginning, and they tell whether it is there."""
    assert proved(of_distribution(Offset=0)) is None
    assert proved(OURS.seal(name=NAME, session=SESSION, offset=0)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"Offset": 1},
        {"Offset": "0"},
        {"Run": None},
        {"Run": 1},
        {"StartedAt": None},
        {"StartedAt": "yesterday"},
        {"StartedAt": "größe"},
        {"DigestAlgorithm": "md5"},
        {"DigestAlgorithm": ["sha256"]},
    ],
)
def test_a_state_that_tells_no_blank_session_proves_none(
    fields: dict[str, object],
) -> None:
    good = {"Offset": 0, "Run": "a run", "StartedAt": "2026-01-02T03:04:05Z"}
    assert proved(of_distribution(**good)) == BLANK
    assert proved(of_distribution(**good | fields)) is None


@pytest.mark.parametrize(
    "state", [None, "", "x", "AAAA", "a===", "\u00e9", "\u20ac", "=", "A" * 5000]
)
def test_what_is_no_state_tells_nothing(state: str | None) -> None:
    assert told(state) is None


def test_a_state_of_another_secret_tells_nothing() -> None:
    other = SessionStates(b"another secret")
    assert told(other.seal(name=NAME, session=SESSION, offset=7)) is None


def test_a_state_that_was_changed_tells_nothing() -> None:
    state = OURS.seal(name=NAME, session=SESSION, offset=7)
    for place in range(0, len(state) - 2, 5):
        changed = "A" if state[place] != "A" else "B"
        assert told(state[:place] + changed + state[place + 1 :]) is None


@given(st.integers(0, len(SEALED) - 5), st.sampled_from("AZaz09-_"))
def test_a_forged_state_tells_nothing(at: int, letter: str) -> None:
    forged = SEALED[:at] + letter + SEALED[at + 1 :]
    assert told(forged) == (7 if forged == SEALED else None)


@given(st.text(max_size=200))
def test_any_text_tells_nothing(state: str) -> None:
    assert told(state) is None


@given(st.integers(0, 1 << 60))
def test_every_sealed_offset_is_told(offset: int) -> None:
    assert told(OURS.seal(name=NAME, session=SESSION, offset=offset)) == offset


def test_the_secret_is_not_shown() -> None:
    assert "secret" not in repr(OURS).replace("SessionStates", "")
