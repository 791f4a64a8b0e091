"""Answers in the process's own log, and the ids by which they are found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from observed import request_for
from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, globalLogPublisher

from registry.core.errors import BlobUnknown
from registry.core.route import Kind, Route
from registry.service.requestlog import RequestLog
from registry.storage.driver import StorageFailure, StorageFull
from registry.web.api import Api
from registry.web.request import Request
from registry.web.response import Response

ID = "http.request.id"


@contextmanager
def logged() -> Iterator[list[LogEvent]]:
    """What is logged meanwhile."""
    events: list[LogEvent] = []
    globalLogPublisher.addObserver(events.append)
    try:
        yield events
    finally:
        globalLogPublisher.removeObserver(events.append)


def answer_to(
    request: Request, error: Exception, ailments: dict[str, str] | None = None
) -> tuple[Response, list[LogEvent]]:
    """How the API answers when its endpoint raises ``error``, and what it logs."""

    async def fails(_request: Request, _route: Route) -> Response:
        raise error

    api = Api(
        endpoints={Kind.BASE: {"GET": fails}},
        authenticator=None,
        ailments=lambda: ailments or {},
        prefix="/",
        is_readonly=False,
    )
    answers: list[Response] = []
    with logged() as events:
        Deferred.fromCoroutine(api.respond(request)).addCallback(answers.append)
    return answers[0], events


def test_a_line_has_the_fields_of_distribution() -> None:
    request = request_for(
        "/v2/a/blobs/uploads/1?_state=abc&digest=d",
        method="PUT",
        headers={b"host": b"registry.test", b"user-agent": b"docker/24.0"},
    )
    with logged() as events:
        RequestLog().answered(request, Response(201, body=b"made"), 0.0125)
    (event,) = events
    assert event["log_level"].name == "debug"
    assert event["log_format"] == "response completed"
    assert {key: value for key, value in event.items() if key.startswith("http.")} == {
        "http.request.id": request.id,
        "http.request.method": "PUT",
        "http.request.host": "registry.test",
        "http.request.uri": "/v2/a/blobs/uploads/1?_state=***&digest=d",
        "http.request.remoteaddr": "192.0.2.7",
        "http.request.useragent": "docker/24.0",
        "http.response.status": 201,
        "http.response.written": 4,
        "http.response.duration": "12.500ms",
    }


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ZeroDivisionError(), 500),
        (StorageFailure("no answer"), 503),
        (StorageFull("no room"), 507),
    ],
)
def test_a_failure_is_found_in_the_log_by_the_id_in_its_answer(
    error: Exception, status: int
) -> None:
    request = request_for()
    response, events = answer_to(request, error)
    assert response.status == status
    assert f"X-Request-Id: {request.id}\r\n".encode() in response.head
    assert f"see {request.id} in its log".encode() in response.body
    assert [event[ID] for event in events] == [request.id]


def test_an_unhealthy_registry_names_the_request_too() -> None:
    request = request_for()
    response, _ = answer_to(request, ZeroDivisionError(), {"disk": "gone"})
    assert response.status == 503
    assert f"X-Request-Id: {request.id}\r\n".encode() in response.head
    assert f"(request {request.id})".encode() in response.body
    assert b'"detail": {"disk": "gone"}' in response.body


def test_a_refusal_has_no_id() -> None:
    response, events = answer_to(request_for(), BlobUnknown())
    assert response.status == 404
    assert b"X-Request-Id" not in response.head
    assert events == []
