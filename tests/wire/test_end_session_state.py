"""The signed offset in the URL of an upload, as Distribution makes and reads it.

Source: Distribution, registry/handlers/hmac.go.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from registry.web.session_state import SessionStates

NAME = "team/app"
SESSION = "00000000-0000-4000-8000-000000000001"
SECRET = b"a secret"
OURS = SessionStates(SECRET)


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


@pytest.mark.parametrize("offset", [0, 1, 2**40])
def test_a_state_tells_the_offset_it_was_made_for(offset: int) -> None:
    assert told(OURS.seal(name=NAME, session=SESSION, offset=offset)) == offset


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


@pytest.mark.parametrize("state", [None, "", "x", "AAAA", "\u00e9", "=", "A" * 5000])
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
