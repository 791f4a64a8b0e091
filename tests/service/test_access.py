"""The access log, from answers to lines."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Mapping

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from observed import request_for, site_for, turn
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from registry.core.route import Kind, Route
from registry.service.access import AccessLog
from registry.web.api import Api, Endpoint
from registry.web.arrivals import TLS
from registry.web.request import Request
from registry.web.response import Response

COMBINED = re.compile(
    r'(?P<host>\S+) - (?P<user>\S+) \[(?P<time>[^\]]+)\] "(?P<line>(?:[^"\\]|\\.)*)"'
    r' (?P<status>\d{3}) (?P<bytes>\d+) "(?P<referer>(?:[^"\\]|\\.)*)"'
    r' "(?P<agent>(?:[^"\\]|\\.)*)"\n'
)


class Written(list[str]):
    """Lines that were written."""

    add = list.append


def line_for(request: Request, response: Response | None = None) -> str:
    lines = Written()
    AccessLog(lines=lines).answered(request, response or Response(200), 0.01)
    (line,) = lines
    return line


def test_a_line_is_in_apaches_combined_format() -> None:
    request = request_for(
        "/v2/library/alpine/manifests/latest",
        headers={b"user-agent": b"docker/24.0", b"referer": b"https://ui.example/"},
        user="alice",
        started=1700000000.9,
    )
    assert line_for(request, Response(200, b"", b"x" * 528)) == (
        '192.0.2.7 - alice [14/Nov/2023:22:13:20 +0000] "GET'
        ' /v2/library/alpine/manifests/latest HTTP/1.1" 200 528'
        ' "https://ui.example/" "docker/24.0"\n'
    )


def test_what_is_not_known_is_a_dash() -> None:
    assert line_for(request_for("")) == (
        '192.0.2.7 - - [01/Jan/1970:00:00:00 +0000] "GET - HTTP/1.1" 200 0 "-" "-"\n'
    )


def test_what_was_no_request_has_no_line() -> None:
    lines = Written()
    AccessLog(lines=lines).answered(request_for(method=TLS), Response(400), 0.01)
    assert not lines


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304)])
def test_an_answer_without_a_body_has_sent_no_bytes(method: str, status: int) -> None:
    line = line_for(request_for(method=method), Response(status, b"", b"x" * 10))
    assert f'HTTP/1.1" {status} 0 ' in line


def test_the_client_is_who_a_trusted_proxy_says() -> None:
    headers = {b"x-forwarded-for": b"10.0.0.1, 203.0.113.9"}
    assert line_for(request_for(headers=headers)).startswith("192.0.2.7 - ")
    proxied = request_for(headers=headers, is_proxied=True)
    assert line_for(proxied).startswith("203.0.113.9 - ")


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (
            "/v2/a/blobs/uploads/1?_state=abc&digest=sha256:12",
            "?_state=***&digest=sha256:12",
        ),
        ("/v2/?n=5&access_token=abc", "?n=5&access_token=***"),
        ("/v2/?%5Fstate=abc", "?%5Fstate=***"),
        ("/v2/?X-Amz-Signature=ab%20c", "?X-Amz-Signature=***"),
        ("/v2/_catalog?n=5&last=a/b", "?n=5&last=a/b"),
    ],
)
def test_parameters_that_are_secret_are_masked(target: str, shown: str) -> None:
    assert f"{shown} HTTP/1.1" in line_for(request_for(target))


def test_a_referer_tells_no_password() -> None:
    referer = b"https://bob:hunter2@ui.example/?token=abc"
    line = line_for(request_for(headers={b"referer": referer}))
    assert '"https://***@ui.example/?token=***"' in line


WIRE = st.binary(max_size=200)


@given(
    target=WIRE,
    agent=WIRE,
    referer=WIRE,
    forwarded=WIRE,
    user=st.none() | st.text(max_size=50),
)
def test_no_client_can_forge_a_line(
    target: bytes, agent: bytes, referer: bytes, forwarded: bytes, user: str | None
) -> None:
    headers = {
        b"user-agent": agent,
        b"referer": referer,
        b"x-forwarded-for": forwarded,
    }
    request = request_for(
        target.decode("latin-1"), headers=headers, user=user, is_proxied=True
    )
    line = line_for(request)
    assert COMBINED.fullmatch(line)
    assert line[:-1].isprintable()
    assert line.isascii()


def test_the_longest_line_can_be_written_to_a_pipe_in_one_piece() -> None:
    endless = b"\0" * 9000
    request = request_for(
        endless.decode("latin-1"),
        headers={
            b"user-agent": endless,
            b"referer": endless,
            b"x-forwarded-for": endless,
        },
        user=endless.decode("latin-1"),
        is_proxied=True,
    )
    assert len(line_for(request)) <= 4096


def test_many_different_clients_do_not_fill_the_memory() -> None:
    lines = Written()
    log = AccessLog(lines=lines)
    for number in range(5000):
        log.answered(request_for(f"/v2/a/tags/list?n={number}"), Response(200), 0.0)
    assert len(log._targets) <= 4097
    assert lines[-1] == line_for(request_for("/v2/a/tags/list?n=4999"))


class OneEndpoint(dict[Kind, Mapping[str, Endpoint]]):
    """Answers POST of whatever route, when it has read the whole body."""

    def __missing__(self, kind: Kind) -> Mapping[str, Endpoint]:
        return {"POST": self._read}

    async def _read(self, request: Request, route: Route) -> Response:
        del route
        await request.body.whole(1000)
        return Response(201)


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("says_goodbye", [True, False])
async def test_a_client_that_leaves_during_an_upload_is_logged_as_499(
    *, says_goodbye: bool
) -> None:
    lines = Written()
    api = Api(
        endpoints=OneEndpoint(),
        authenticator=None,
        ailments=dict,
        prefix="/",
        is_readonly=False,
    )
    site = site_for(api, reactor=reactor, observers=[AccessLog(lines=lines)])
    port = reactor.listenTCP(0, site, interface="127.0.0.1")
    number = port.getHost().port
    try:
        await deferToThread(_leave_half_way, number, says_goodbye=says_goodbye)
        while not lines:
            await turn(reactor)
    finally:
        await port.stopListening()
    (line,) = lines
    assert '"POST /v2/a/blobs/uploads/ HTTP/1.1" 499 ' in line


def _leave_half_way(port: int, *, says_goodbye: bool) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: 100\r\n\r\nhalf"
        )
        if not says_goodbye:  # a reset, as when a machine is switched off and on
            linger = struct.pack("ii", 1, 0)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
