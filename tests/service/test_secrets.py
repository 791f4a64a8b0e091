"""No secret of the operator's or of a client's is in what the registry says."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from registry.service.checks import Rhythm, http_check
from registry.testing.programs import Command, free_port, our_program
from registry.testing.registry_process import WAIT, RegistryProcess

OPTIONS = """\
log: {{level: debug, formatter: {formatter}, fields: {{password: hush-1}}}}
http:
  secret: hush-2
  headers: {{Set-Cookie: [a=hush-3]}}
  trustedproxies: [127.0.0.0/8]
health:
  http:
    - uri: "http://user:hush-4@127.0.0.1:{port}/x?token=hush-5&api_key=hush-6"
      headers: {{Authorization: [Bearer hush-7]}}
      threshold: 1000
"""

UPLOAD = "/v2/a/blobs/uploads/00000000-0000-4000-8000-000000000001"
REQUESTS = [
    "GET /v2/?token=hush&_state=hush&access_token=hush;sig=hush HTTP/1.1",
    "GET /v2/?%74oken=hush&%5fstate=hush&X-Amz-Signature=hush HTTP/1.1",
    f"PATCH {UPLOAD}?_state=hush&digest=sha256:shown HTTP/1.1",
    "GET http://u:hush@h/v2/ HTTP/1.1",
    "GET http://hush@h/v2/?password=hush HTTP/1.1",
    "GET //u:hush@h/v2/ HTTP/1.1",
    "GET /v2/a/manifests/x?credentials=hush HTTP/1.1",
]

HEADERS = """\
Host: a
Authorization: Basic aHVzaDpodXNo
Authorization: Bearer hush
Proxy-Authorization: Basic aHVzaDpodXNo
Cookie: session=hush
X-Registry-Auth: hush
Referer: http://u:hush@h/?token=hush
User-Agent: curl http://u:hush@h/?token=hush
X-Forwarded-Host: u:hush@h
Forwarded: for=_hush;host="u:hush@h"
Connection: close
"""


@pytest.mark.parametrize("formatter", ["text", "json"])
def test_no_line_of_any_log_has_a_secret(tmp_path: Path, formatter: str) -> None:
    options = OPTIONS.format(port=free_port(), formatter=formatter)
    with RegistryProcess(root=str(tmp_path), options=options) as server:
        for line in REQUESTS:
            ask(server.port, f"{line}\n{HEADERS}")
        server.configure("http: {secret: [hush]}\nauth: {token: {password: hush}}\n")
        server.signal(signal.SIGHUP)
        server.said("not reloaded")
        server.stop()
    assert "response completed" in server.log
    assert "sha256:shown" in server.log
    assert "***" in server.log
    assert_hushed(server.log)


def ask(port: int, request: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode() + b"\r\n")
        while connection.recv(65536):
            pass


def assert_hushed(text: str) -> None:
    told = [line for line in text.splitlines() if re.search("hush|aHVzaDpodXNo", line)]
    assert not told


def test_the_options_are_shown_without_secrets(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    options = OPTIONS.format(port=1, formatter="text")
    file.write_text(f"version: 0.1\nstorage: inmemory\n{options}")
    shown = Command([our_program("registry"), "check-config", "--print"])(str(file))
    assert shown.count("(hidden)") == 7
    assert_hushed(shown)


class Door(Resource):
    """Answers only to a user and password."""

    isLeaf = True  # noqa: N815 - twisted.web reads it

    def render(self, request: Request) -> bytes:
        known = (request.getUser(), request.getPassword()) == (b"bob", b"hu:nt@er2")
        request.setResponseCode(200 if known else 401)
        return b""


@pytest_twisted.ensureDeferred
async def test_user_and_password_of_a_url_are_sent_as_such() -> None:
    """As Go does; and they are in no name and no reason."""
    port = reactor.listenTCP(0, Site(Door()), interface="127.0.0.1")
    try:
        place = f"127.0.0.1:{port.getHost().port}/health"
        rhythm = Rhythm()
        right = f"http://bob:hu%3Ant%40er2@{place}"
        check = http_check(url=right, reactor=reactor, rhythm=rhythm)
        assert check.name == f"http://{place}"
        await check.probe()
        wrong = http_check(
            url=f"http://bob:hush@{place}", reactor=reactor, rhythm=rhythm
        )
        with pytest.raises(Exception, match="answered 401") as failed:
            await wrong.probe()
        assert_hushed(str(failed.value))
    finally:
        await port.stopListening()
