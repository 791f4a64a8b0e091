"""Where to listen, as the configuration can say it.

Source: Go ``net.Listen`` for ``host:port`` and socket paths; Twisted
``serverFromString`` for everything else.
"""

from __future__ import annotations

import ipaddress
import re

import attrs

_TWISTED = re.compile(
    r"(?:tcp|tcp6):[0-9]+(?::.*)?|(?:tcp|tcp6):.*=.*|(?:unix|systemd):.*"
)
_TCP = re.compile(
    r"(?:\[(?P<v6>[0-9a-fA-F:.%a-z]+)\]|(?P<host>[^:\s/\[\]]*)):(?P<port>[0-9]{1,5})"
)
_WRITE = (
    "must be host:port, :port, a socket's path with net: unix, or an endpoint such as"
    " systemd:domain=INET:index=0 or unix:/run/registry.sock:mode=660"
)


@attrs.frozen
class TCPAddress:
    """A port; an empty ``host`` means every address of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        return (
            f"[{self.host}]:{self.port}"
            if ":" in self.host
            else (f"{self.host}:{self.port}")
        )

    @property
    def endpoint(self) -> str:
        """The same for ``serverFromString``."""
        host = self.host.replace("\\", "\\\\").replace(":", "\\:")
        kind = "tcp6" if ":" in self.host else "tcp"
        return f"{kind}:port={self.port}" + (f":interface={host}" if host else "")


@attrs.frozen
class UnixAddress:
    """A socket in the file system."""

    path: str

    def __str__(self) -> str:
        return self.path

    @property
    def endpoint(self) -> str:
        """The same for ``serverFromString``."""
        path = self.path.replace("\\", "\\\\").replace(":", "\\:")
        return f"unix:address={path}"


@attrs.frozen
class EndpointAddress:
    """What the operator wrote for ``serverFromString``."""

    endpoint: str

    def __str__(self) -> str:
        return self.endpoint


Address = TCPAddress | UnixAddress | EndpointAddress


def parse_address(text: str, net: str = "tcp") -> Address:
    """The address that ``text`` names. Raises ValueError with what to write."""
    if _TWISTED.fullmatch(text):
        return EndpointAddress(text)
    if net == "unix":
        return UnixAddress(text)
    match = _TCP.fullmatch(text)
    if match is None or int(match["port"]) > 65535:
        raise ValueError(_WRITE)
    if match["v6"] is not None and not _is_ipv6(match["v6"]):
        raise ValueError(_WRITE)
    return TCPAddress(match["v6"] or match["host"] or "", int(match["port"]))


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
