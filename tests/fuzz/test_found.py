"""What fuzzing has found, each by the name of what it was."""

from __future__ import annotations

import pytest
from targets import TARGETS

FOUND = [
    pytest.param("state", b"[]", id="a signed state that is no object"),
]


@pytest.mark.parametrize(("target", "data"), FOUND)
def test_it_holds_now(target: str, data: bytes) -> None:
    TARGETS[target].holds(data)
