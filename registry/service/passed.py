"""A socket that whoever started the registry has opened for it.

systemd and ``systemd-socket-activate`` pass open sockets from descriptor 3 up. As in
Distribution, exactly one such socket stands for ``http.addr`` whatever that says. With
several, or where the configuration names passed sockets itself, it decides.

Source: sd_listen_fds(3); Distribution ``registry/listener``; Twisted takes the sockets
when ``twisted.internet.endpoints`` is imported and tells of them by ``systemd:``.
"""

from __future__ import annotations

import os
import socket

from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IReactorTime

from registry.config.http import HTTP
from registry.config.listen import Address, EndpointAddress

FIRST = 3
"""The descriptor of the first socket. sd_listen_fds(3)."""

_DOMAINS = {
    socket.AF_INET: "INET",
    socket.AF_INET6: "INET6",
    socket.AF_UNIX: "UNIX",
}


def address_for(http: HTTP, *, reactor: IReactorTime) -> Address:
    """Where to listen for clients: the one passed socket, or else ``http.addr``."""
    named = (http.listen, http.debug.listen)
    if any(str(address).startswith("systemd:") for address in named):
        return http.listen
    if not _is_passed(0, reactor) or _is_passed(1, reactor):
        return http.listen
    with socket.socket(fileno=os.dup(FIRST)) as passed:
        domain = _DOMAINS.get(passed.family)
    return http.listen if domain is None else EndpointAddress(_endpoint(0, domain))


def _is_passed(index: int, reactor: IReactorTime) -> bool:
    try:
        serverFromString(reactor, _endpoint(index, "INET"))
    except LookupError:
        return False
    return True


def _endpoint(index: int, domain: str) -> str:
    return f"systemd:domain={domain}:index={index}"
