"""The harness itself: that it shows what it promises to show."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from registry.testing.answers import MalformedAnswer
from registry.testing.harness import Harness, calm, request_bytes


def test_a_request_is_answered() -> None:
    answer = Harness().request("GET", "/v2/")
    assert (answer.status, answer.json) == (200, {})


def test_time_passes_when_told_to() -> None:
    harness = Harness()
    before = harness.request("GET", "/v2/").header("date")
    harness.advance(61)
    assert harness.request("GET", "/v2/").header("date") != before


def test_half_an_answer_is_not_overlooked() -> None:
    client = Harness().connect()
    client.stall()
    client.send(request_bytes("GET", "/v2/"))
    client.take(20)
    with pytest.raises(MalformedAnswer):
        client.answers()
    client.take()
    assert client.answers()[0].body == b"{}"


def test_a_logged_failure_is_not_overlooked() -> None:
    def fail() -> None:
        with calm():
            Logger().failure("it failed", Failure(ZeroDivisionError()))

    with pytest.raises(AssertionError, match="it failed"):
        fail()


def test_an_error_that_nobody_handles_is_not_overlooked() -> None:
    def forget() -> None:
        with calm():
            forgotten: Deferred[None] = Deferred()
            forgotten.cycle = [forgotten]  # type: ignore[attr-defined]
            forgotten.errback(ZeroDivisionError())
            del forgotten

    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        forget()
