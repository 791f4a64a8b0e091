"""Who is at the other end of a connection, and whether to believe what it forwards."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import attrs

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

X_FORWARDED_FOR = b"x-forwarded-for"


@attrs.frozen
class Peer:
    """The address of a connection, worked out once."""

    host: str
    """An IP address, or ``unix``."""

    port: int
    is_trusted_proxy: bool
    """Whether what is forwarded from here is believed."""

    trusted: Sequence[Network] = ()
    """Where proxies are that are believed."""

    told_by: bytes = X_FORWARDED_FOR
    """The one header by which they tell the client's address, in lower case."""


def identify(
    host: str,
    port: int,
    trusted: Sequence[Network],
    told_by: bytes = X_FORWARDED_FOR,
) -> Peer:
    """The Peer at ``host``, believed when it is in one of the ``trusted`` networks."""
    address = address_of(host)
    if address is None:
        return Peer(host, port, is_trusted_proxy=False)
    return Peer(
        str(address),
        port,
        is_trusted_proxy=any(address in network for network in trusted),
        trusted=trusted,
        told_by=told_by,
    )


def address_of(host: str) -> Address | None:
    """The address that ``host`` spells, IPv4 where it is IPv4 inside IPv6."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
