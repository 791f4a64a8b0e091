"""The line and headers of one request, as the parser finds them.

llhttp has already refused what no server should accept: two lengths, a length beside a
transfer coding, folded lines, bare line feeds, control characters. What is checked here
is ours to decide: sizes, versions, Host, codings, expectations. RFC 9112.

Sizes are counted from what was found, not from how it arrived, so a request gets the
same answer however the network cuts it up.
"""

from __future__ import annotations

import re

import attrs

from registry.web.limits import Limits

_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
_LINE = len(b": \r\n")


class HeadRefused(Exception):
    """The request cannot be served, nor anything after it on its connection."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@attrs.define
class Head:
    """What has arrived of one request's head."""

    target: bytes = b""
    headers: dict[bytes, bytes] = attrs.Factory(dict)
    count: int = 0
    size: int = 0
    is_complete: bool = False

    def target_received(self, part: bytes, limits: Limits) -> None:
        """Part of the target. Raises HeadRefused."""
        self.target = target = self.target + part if self.target else part
        if len(target) > limits.target:
            raise HeadRefused(414, f"a target may have at most {limits.target} bytes")
        self.size = len(target)

    def header_received(self, name: bytes, value: bytes, limits: Limits) -> None:
        """One header line. Raises HeadRefused."""
        self.count += 1
        if self.count > limits.headers:
            raise HeadRefused(
                431, f"a request may have at most {limits.headers} headers"
            )
        self.size += len(name) + len(value) + _LINE
        if self.size > limits.head:
            raise too_long(limits)
        name, value = name.lower(), value.rstrip(b" \t")
        known = self.headers.get(name)
        if known is None:
            self.headers[name] = value
        elif name == b"host":
            raise HeadRefused(400, "a request has exactly one Host header")
        else:
            self.headers[name] = known + b", " + value

    def check(self, version: str, method: str) -> None:
        """Refuse what this server does not speak. Raises HeadRefused."""
        if version not in ("1.1", "1.0"):
            raise HeadRefused(505, "this server speaks HTTP/1.1 and HTTP/1.0")
        if method == "CONNECT":
            raise HeadRefused(501, "this server is not a proxy; send GET, not CONNECT")
        self._check_host(version)
        coding = self.headers.get(b"transfer-encoding")
        if coding is not None and (coding.lower() != b"chunked" or version == "1.0"):
            raise HeadRefused(501, "the only transfer coding here is chunked")
        expectation = self.headers.get(b"expect")
        if expectation is not None and expectation.lower() != b"100-continue":
            raise HeadRefused(417, "the only expectation met here is 100-continue")

    def _check_host(self, version: str) -> None:
        host = self.headers.get(b"host")
        if host is None:
            if version == "1.1":
                raise HeadRefused(400, "an HTTP/1.1 request has a Host header")
        elif not _HOST.fullmatch(host):
            raise HeadRefused(400, "the Host header is not a host and port")
        if not self.target.startswith(b"/"):
            self._make_origin_form()

    def _make_origin_form(self) -> None:
        """Take scheme and authority out of the target. RFC 9112 3.2.2.

        The authority replaces what Host says, as it would for every proxy before us.
        """
        if self.target == b"*":
            return
        absolute = _ABSOLUTE.match(self.target)
        if absolute is None or not absolute[1] or not _HOST.fullmatch(absolute[1]):
            raise HeadRefused(400, "the target is not a path, such as /v2/")
        self.headers[b"host"] = absolute[1]
        rest = self.target[absolute.end() :]
        self.target = rest if rest.startswith(b"/") else b"/" + rest

    @property
    def body_length(self) -> int | None:
        """Bytes of the body; None when its end is marked by chunked coding."""
        if b"transfer-encoding" in self.headers:
            return None
        return int(self.headers.get(b"content-length", b"0"))

    def wants_to_stay(self, version: str) -> bool:
        """Whether the client would send another request here. RFC 9112 9.3."""
        connection = self.headers.get(b"connection")
        if connection is None:
            return version == "1.1"
        options = {option.strip().lower() for option in connection.split(b",")}
        return b"close" not in options and (
            version == "1.1" or b"keep-alive" in options
        )

    def expects_continue(self, version: str) -> bool:
        """Whether the client waits for leave to send its body. RFC 9110 10.1.1."""
        return b"expect" in self.headers and version == "1.1"


def too_long(limits: Limits) -> HeadRefused:
    """The refusal of a head that is larger than ``limits`` allow."""
    return HeadRefused(431, f"headers may have at most {limits.head} bytes")
