"""Kinds of value that name places on a network, and what may stand in HTTP headers."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import SplitResult, unquote, urlsplit

from registry.config.kinds import Kind, read_line
from registry.config.secret import MASK, is_secret_name

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PARAMETER = re.compile(r"(?<=[?&])([^=&#]+)=[^&#]*")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def read_network(text: str) -> Network:
    """A block of addresses: ``10.0.0.0/8``, ``fd00::/8``, or one address."""
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise ValueError(
            f"must be a network such as 10.0.0.0/8 or fd00::/8 ({error})"
        ) from None


def _split(text: str) -> SplitResult:
    if not re.fullmatch(r"[!-~]*", text):
        raise ValueError("must be ASCII without blanks, with others as %XX or xn--")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"is not a URL ({error})") from None
    return parts


def read_url(text: str) -> str:
    """An absolute http or https URL."""
    parts = _split(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL that begins with http:// or https://")
    return text


def read_base_url(text: str) -> str:
    """An absolute URL that paths can be appended to; without a trailing slash."""
    parts = _split(read_url(text))
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("must be a URL without user, query and fragment")
    return text.rstrip("/")


def show_url(text: str) -> str:
    """A URL as it may be shown: without its password and the secrets in its query."""
    parts = urlsplit(text)
    if parts.password is not None:
        text = text.replace(f":{parts.password}@", f":{MASK}@", 1)
    return _PARAMETER.sub(_shown_parameter, text) if parts.query else text


def _shown_parameter(parameter: re.Match[str]) -> str:
    name = parameter[1]
    return f"{name}={MASK}" if is_secret_name(unquote(name)) else parameter[0]


def read_prefix(text: str) -> str:
    """A path that begins and ends with a slash."""
    if not re.fullmatch(r"/(?:[A-Za-z0-9._~-]+/)*", text) or "/../" in f"{text}/":
        raise ValueError("must be a path with a slash at both ends, such as /registry/")
    return text


def read_field_name(text: str) -> str:
    """The name of an HTTP header. RFC 9110 5.1."""
    if not _FIELD_NAME.fullmatch(text):
        raise ValueError("is not the name of an HTTP header")
    return text


def read_field_value(text: str) -> str:
    """The value of an HTTP header, without what could end it. RFC 9110 5.5."""
    if not _FIELD_VALUE.fullmatch(text):
        raise ValueError("must be one line of Latin text, as HTTP headers are")
    return text


def read_host_port(text: str) -> str:
    """``host:port`` of some other server."""
    host, colon, port = read_line(text).rpartition(":")
    if not host or not colon or not port.isdecimal() or int(port[:6]) > 65535:
        raise ValueError("must be host:port")
    return text


URL = Annotated[str, Kind("URL", read_url, show_url)]
BaseURL = Annotated[str, Kind("URL", read_base_url)]
Prefix = Annotated[str, Kind("path", read_prefix)]
CIDR = Annotated[Network, Kind("network", read_network, str)]
FieldName = Annotated[str, Kind("header", read_field_name)]
FieldValue = Annotated[str, Kind("text", read_field_value)]
HostPort = Annotated[str, Kind("host:port", read_host_port)]
