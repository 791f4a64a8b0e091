"""Who is at the other end of a connection, and whether to believe what it forwards."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import attrs

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@attrs.frozen
class Peer:
    """The address of a connection, worked out once."""

    host: str
    """An IP address, or ``unix``."""

    port: int
    is_trusted_proxy: bool
    """Whether ``Forwarded`` and ``X-Forwarded-*`` from here are believed."""

    trusted: Sequence[Network] = ()
    """Where proxies are that are believed."""


def identify(host: str, port: int, trusted: Sequence[Network]) -> Peer:
    """The Peer at ``host``, believed when it is in one of the ``trusted`` networks."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return Peer(host, port, is_trusted_proxy=False)
    mapped = getattr(address, "ipv4_mapped", None) or address
    return Peer(
        str(mapped),
        port,
        is_trusted_proxy=any(mapped in net for net in trusted),
        trusted=trusted,
    )
