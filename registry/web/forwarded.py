"""What proxies say about the client that they pass on.

In ``Forwarded`` (RFC 7239) or in the older ``X-Forwarded-*`` headers, whichever our own
proxies set. Every proxy adds what it knows at the end, so what stands on the left may
be anybody's invention.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from registry.web.peer import Address, Network, address_of

_PAIR = re.compile(r'([\w!#$%&\'*+.^`|~-]+)=("(?:[^"\\]|\\.)*"|[^",;\s]*)|,')
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\w+)?|([0-9.]+):\w+")

HOPS = 32
"""Proxies that are looked at, from ours on."""


def elements(value: str) -> list[dict[str, str]]:
    """The elements of a ``Forwarded`` header, with lower-case names. RFC 7239 4."""
    found: list[dict[str, str]] = [{}]
    for pair in _PAIR.finditer(value):
        if pair[1] is None:
            found.append({})
        else:
            found[-1][pair[1].lower()] = pair[2].strip('"')
    return found


def client_of(nodes: Sequence[str], trusted: Sequence[Network]) -> str | None:
    """The address of the client that came through ``nodes``; None if none is told.

    That is the last one that is no proxy of ours, else the first of those. ``unix:`` is
    what a proxy says of another on its own machine. Any other node without an address
    (``unknown``, ``_hidden``) tells nothing, and nobody vouches for what is before it.
    """
    told: str | None = None
    for node in reversed(nodes[-HOPS:]):
        if node.strip() == "unix:":
            continue
        address = node_address(node)
        if address is None:
            break
        told = str(address)
        if not any(address in network for network in trusted):
            break
    return told


def node_address(node: str) -> Address | None:
    """The address in ``192.0.2.1``, ``192.0.2.1:80``, ``2001:db8::1``, ``[::1]:80``."""
    text = node.strip().strip('"')
    with_port = _WITH_PORT.fullmatch(text)
    if with_port is not None:
        text = with_port[1] or with_port[2] or ""
    if "%" in text:
        return None
    return address_of(text)
