"""Where the registry listens: from an address to an open port.

Whatever the system refuses becomes one sentence that says what to do.

Read next: ``unix_socket.py``.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping

import attrs
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import (
    TCP4ServerEndpoint,
    TCP6ServerEndpoint,
    UNIXServerEndpoint,
    serverFromString,
)
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IReactorTime,
    IStreamServerEndpoint,
)

from registry.config.listen import Address, EndpointAddress, TCPAddress, UnixAddress
from registry.service.unix_socket import SocketRefused, UnixSocket, parse_unix, vacate

BACKLOG = 1024
"""Connections that the kernel keeps for us until they are accepted."""


class ListenFailed(Exception):
    """The address cannot be listened on; the text says what to do."""


@attrs.frozen(kw_only=True)
class Listener:
    """An open port."""

    url: str
    """Where it really is: ``http://127.0.0.1:5000``, ``unix:/run/registry.sock``."""

    port: IListeningPort

    async def close(self) -> None:
        """Accept no more connections; those that are open stay."""
        await maybeDeferred(self.port.stopListening)


async def listen(
    *,
    address: Address,
    factory: IProtocolFactory,
    reactor: IReactorTime,
    is_secure: bool = False,
    option: str = "http.addr",
) -> Listener:
    """Serve ``factory`` at ``address``. Raises ListenFailed, which names ``option``.

    ``is_secure`` says that the factory speaks TLS.
    """
    try:
        port = await _endpoint(address, reactor).listen(factory)
    except CannotListenError as error:
        raise ListenFailed(_told(option, address, error.socketError)) from error
    except (OSError, SocketRefused) as error:
        raise ListenFailed(_told(option, address, error)) from error
    return Listener(url=_url(port, is_secure=is_secure), port=port)


def _endpoint(address: Address, reactor: IReactorTime) -> IStreamServerEndpoint:
    match address:
        case TCPAddress("", port) if _has_ipv6():
            # For IPv6 and IPv4 with one socket, as Go does for ``:port``.
            return TCP6ServerEndpoint(reactor, port, BACKLOG)
        case TCPAddress(host, port) if ":" in host:
            return TCP6ServerEndpoint(reactor, port, BACKLOG, host)
        case TCPAddress(host, port):
            return TCP4ServerEndpoint(reactor, port, BACKLOG, host)
        case UnixAddress(path):
            return _unix_endpoint(UnixSocket(path=path), reactor)
        case EndpointAddress(text) if text.startswith("unix:"):
            return _unix_endpoint(parse_unix(text), reactor)
        case EndpointAddress(text):
            return _described_endpoint(text, reactor)


def _has_ipv6() -> bool:
    """Whether a socket can have an IPv6 address here."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True


def _unix_endpoint(place: UnixSocket, reactor: IReactorTime) -> UNIXServerEndpoint:
    vacate(place.path)
    return UNIXServerEndpoint(
        reactor, place.path, backlog=BACKLOG, mode=place.mode, wantPID=False
    )


def _described_endpoint(text: str, reactor: IReactorTime) -> IStreamServerEndpoint:
    if text.startswith("tcp") and ":backlog=" not in text:
        text += f":backlog={BACKLOG}"
    try:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
    except (LookupError, TypeError, ValueError) as error:
        if text.startswith("systemd:"):
            raise SocketRefused(
                "systemd has passed no such socket; start the registry through its"
                " .socket unit, or listen on an address of your own"
            ) from error
        raise SocketRefused(f"Twisted knows no such endpoint ({error})") from error
    return endpoint


ADVICE: Mapping[int, str] = {
    errno.EADDRINUSE: "something else listens there; stop it, or listen elsewhere",
    errno.EACCES: (
        "it is not permitted; choose a port from 1024 up or a directory of your own, or"
        " grant CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=)"
    ),
    errno.EPERM: "it is not permitted; choose another address",
    errno.EADDRNOTAVAIL: "this machine has no such address; choose one that it has",
    errno.EAFNOSUPPORT: "this machine has no IPv6; choose an IPv4 address",
    errno.ENOENT: "the directory does not exist; make it first",
    errno.ENOTDIR: "part of the path is not a directory; choose another path",
    errno.EROFS: "the file system is read-only; choose another path",
    errno.EMFILE: "too many files are open; raise the limit (systemd: LimitNOFILE=)",
}


def _told(option: str, address: Address, error: Exception) -> str:
    reason = str(error)
    if isinstance(error, socket.gaierror):
        reason = f"the name cannot be looked up ({error.strerror}); use an IP address"
    elif isinstance(error, OSError):
        reason = ADVICE.get(error.errno or 0, reason)
    return f"cannot listen on {address} ({option}): {reason}"


def _url(port: IListeningPort, *, is_secure: bool) -> str:
    scheme = "https" if is_secure else "http"
    match port.getHost():
        case IPv6Address(host=host, port=number):
            return f"{scheme}://[{host}]:{number}"
        case IPv4Address(host=host, port=number):
            return f"{scheme}://{host}:{number}"
        case UNIXAddress(name=name):
            return f"unix:{name.decode('utf-8', 'replace') if name else ''}"
        case other:
            return str(other)
