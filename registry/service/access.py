r"""The access log: one line for each answer, in Apache's combined format.

    address - user [time] "METHOD target HTTP/1.1" status bytes "referer" "user agent"

Nothing from a client can forge a line: all but printable ASCII is escaped as ``\xhh``,
and so are quotes and backslashes. Values of query parameters that are, or may be,
secrets are masked. Lines are gathered and written by ``lines.py``.

Source: Apache httpd ``mod_log_config``, "combined"; nginx status 499.
"""

from __future__ import annotations

import re
import time
from typing import Protocol
from urllib.parse import unquote

from registry.web.arrivals import TLS
from registry.web.location import client_address
from registry.web.request import Request
from registry.web.response import NO_BODY, Response

MASK = "***"
CLIENT_LEFT = 499
"""The status that is logged for an upload whose client went away. nginx's own."""

_BROKEN = frozenset({400, 408})
_LEFT = (b"the client went away", b"the connection ended before the body")

# Bytes of each part, so that a line is less than 4096: see ``lines.py``.
TARGET, _REFERER, AGENT, _NAME = 1500, 1000, 500, 200

_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_UNSAFE = re.compile(r"[^ !#-\[\]-~]")
_PARAMETER = re.compile(r"(?<=[?&])([^=&]+)=[^&]*")
_USER_INFO = re.compile(r"(?<=//)[^/?#@]*(?=@)")
_SECRET = re.compile(
    r"^_state$|token|secret|passw|sign|^sig$|credential|auth|key|session",
    re.IGNORECASE,
)


class Lines(Protocol):
    """What takes finished lines."""

    def add(self, line: str) -> None:
        """Write ``line``, ASCII with its line end, soon."""


class AccessLog:
    """Tells ``lines`` of every answer."""

    def __init__(self, *, lines: Lines) -> None:
        self._add = lines.add
        self._targets = Escapes(TARGET)
        self._referers = Escapes(_REFERER)
        self._agents = Escapes(AGENT)
        self._second = -1
        self._time = ""

    def started(self, request: Request) -> None:
        """A line is written only when the answer is known."""

    def answered(self, request: Request, response: Response, seconds: float) -> None:
        """Add a line for this answer; what was no request has its own in the log."""
        del seconds
        if request.method == TLS:
            return
        second = int(request.started)
        if second != self._second:
            self._second = second
            self._time = _apache_time(second)
        get = request.headers.get
        peer = request.peer
        host = _name(client_address(request)) if peer.is_trusted_proxy else peer.host
        user = request.principal.name
        status = response.status
        length = written(request, response)
        if status in _BROKEN and _client_left(request, response):
            status = CLIENT_LEFT
        self._add(
            f"{host} - {_name(user) if user else '-'} [{self._time}]"
            f' "{request.method} {self._targets[request.target]}'
            f' HTTP/{request.version}" {status} {length}'
            f' "{self._referers[get(b"referer", b"")]}"'
            f' "{self._agents[get(b"user-agent", b"")]}"\n'
        )


def written(request: Request, response: Response) -> int:
    """Bytes of the body that the answer has on the wire."""
    if request.method == "HEAD" or response.status in NO_BODY:
        return 0
    return response.length


class Escapes(dict[bytes, str]):
    """Texts that clients sent, without secrets and escaped; the usual ones are kept.

    Bounded in number and, because only short texts are remembered, in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__({b"": "-"})
        self._limit = limit

    def __missing__(self, raw: bytes) -> str:
        text = raw.decode("latin-1")
        if "?" in text:
            text = _PARAMETER.sub(_without_secret, text)
        if "@" in text:
            text = _USER_INFO.sub(MASK, text)
        text = _UNSAFE.sub(_escape, text)[: self._limit]
        if len(raw) <= 300:
            if len(self) >= 4096:
                self.clear()
                self[b""] = "-"
            self[raw] = text
        return text


def _without_secret(parameter: re.Match[str]) -> str:
    """A query parameter as it may be shown; its name may be percent-encoded."""
    name = parameter[1]
    return f"{name}={MASK}" if _SECRET.search(unquote(name)) else parameter[0]


def _escape(character: re.Match[str]) -> str:
    return f"\\x{ord(character[0]):02x}"


def _name(text: str) -> str:
    """A name that somebody gave themselves; a blank would end it."""
    latin = text.encode("utf-8", "surrogatepass").decode("latin-1")
    return _UNSAFE.sub(_escape, latin).replace(" ", "\\x20")[:_NAME] or "-"


def _client_left(request: Request, response: Response) -> bool:
    """Whether the client ended an upload, which is told by what it was refused with."""
    return request.body.is_broken and any(text in response.body for text in _LEFT)


def _apache_time(second: int) -> str:
    when = time.gmtime(second)
    return (
        f"{when.tm_mday:02}/{_MONTHS[when.tm_mon - 1]}/{when.tm_year}"
        f":{when.tm_hour:02}:{when.tm_min:02}:{when.tm_sec:02} +0000"
    )
