"""TLS between a TCP transport and a channel.

Twisted's own TLS protocol copies every byte several times, in pieces of a record. Here
ciphertext is taken from OpenSSL in large pieces and goes straight to the socket
(``tls_wire.py``). OpenSSL's memory is let go of as soon as the client has gone: it may
be a lot, and the garbage collector does not see it.

A client that closes its sending side, by TLS or by TCP alone, still gets its answers: a
request says itself whether it is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL
from twisted.internet.interfaces import IHalfCloseableProtocol, ITransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from registry.web.wire import Wire

if TYPE_CHECKING:
    from registry.web.channel import Channel
    from registry.web.site import Site

RECORD = 16 * 1024
"""Bytes of the largest TLS record: what one read gives. RFC 8446 5.1."""

FLUSH = 64 * 1024
"""Bytes of ciphertext that are taken from OpenSSL at a time."""

PLAIN_HTTP = (
    b"HTTP/1.0 400 Bad Request\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Connection: close\r\n\r\n"
    b"this port speaks HTTPS; use a URL that begins with https://\n"
)
"""What a client is told that speaks HTTP without TLS."""


@implementer(ITransport, IHalfCloseableProtocol)
class TLSTransport(Protocol):
    """The encrypted connection that a channel takes for its transport."""

    def __init__(
        self,
        *,
        connection: SSL.Connection,
        channel: Channel,
        make_wire: Callable[[Any, Callable[[], object]], Wire],
    ) -> None:
        self.connection = connection
        self._channel = channel
        self._make_wire = make_wire
        self._is_ready = False
        self._is_paused = False
        self._has_ended = False
        self._is_gone = False
        self.is_over = False

    # What TCP says.

    def connectionMade(self) -> None:
        """A client has come. Its deadlines start now, so they cover the handshake."""
        self.connection.set_accept_state()
        self.raw = self._make_wire(self.transport, self._channel.abort)
        self._channel.makeConnection(self)  # type: ignore[no-untyped-call]

    def dataReceived(self, data: bytes) -> None:
        """Ciphertext from the client."""
        if not (self.is_over or self._has_ended):
            self._decrypt(data)

    def readConnectionLost(self) -> None:
        """The client has closed its sending side, with a goodbye or without."""
        if not self._has_ended:
            self._has_ended = True
            self._channel.readConnectionLost()

    def writeConnectionLost(self) -> None:
        """Our side is closed, as the channel wanted."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client has gone."""
        self.is_over = True
        self._channel.connectionLost(reason)
        self.raw.disconnected()
        self._is_gone = True
        del self.connection

    def _decrypt(self, data: bytes) -> None:
        self.connection.bio_write(data)
        try:
            if not self._is_ready:
                self.connection.do_handshake()
                self._is_ready = True
            while not self.is_over:
                self._channel.dataReceived(self.connection.recv(RECORD))
        except SSL.WantReadError:
            self.flush()
        except SSL.ZeroReturnError:
            self.flush()
            self.readConnectionLost()
        except SSL.Error as error:
            self._give_up(error)

    def _give_up(self, error: SSL.Error) -> None:
        """What came is not TLS, or none that we speak: OpenSSL's alert says which."""
        if _is_plain_http(error):
            self._send(PLAIN_HTTP)
        self.flush()
        self.is_over = True
        self.transport.loseConnection()  # type: ignore[union-attr]  # connected

    def encrypted(self, data: bytes | memoryview) -> bytes:
        """``data`` as ciphertext. Raises SSL.Error."""
        self.connection.sendall(data)
        return b"".join(self._ciphertext(len(data) + len(data) // 64 + RECORD))

    def flush(self) -> None:
        """Send what OpenSSL has to say by itself: its handshake, its alerts."""
        if self.raw.is_sending:
            return  # it goes out with the next answer, in its order
        ciphertext = b"".join(self._ciphertext(FLUSH))
        if ciphertext:
            self._send(ciphertext)

    def _send(self, data: bytes) -> None:
        sending = self.raw.write([data])
        if sending is not None:
            sending.addErrback(lambda _: None)  # the channel hears of it

    def _ciphertext(self, size: int) -> list[bytes]:
        """What OpenSSL has for the client, ``size`` bytes at a time."""
        parts: list[bytes] = []
        try:
            while not parts or len(parts[-1]) == size:
                parts.append(self.connection.bio_read(size))
        except SSL.WantReadError:
            pass
        return parts

    # ITransport, for the channel.

    def pauseProducing(self) -> None:
        """Read nothing from the client for now."""
        self._is_paused = True
        self._pace()

    def resumeProducing(self) -> None:
        """Read again."""
        self._is_paused = False
        self._pace()

    def _pace(self) -> None:
        if self.is_over:
            return
        if self._is_paused:
            self.transport.pauseProducing()  # type: ignore[union-attr]  # connected
        elif not self._has_ended:
            self.transport.resumeProducing()  # type: ignore[union-attr]  # connected

    def loseConnection(self) -> None:
        """Say goodbye and close."""
        self._say_goodbye()
        self.transport.loseConnection()  # type: ignore[union-attr]  # connected

    def loseWriteConnection(self) -> None:
        """Say goodbye and close our side; the client may still send."""
        self._say_goodbye()
        self.transport.loseWriteConnection()  # type: ignore[union-attr]  # connected

    def _say_goodbye(self) -> None:
        if self._is_ready and not self.is_over:
            try:
                self.connection.shutdown()
            except SSL.Error:
                return  # there is nobody left to say it to
            self.flush()

    def abortConnection(self) -> None:
        """Drop the connection."""
        self.is_over = True
        self.transport.abortConnection()  # type: ignore[union-attr]  # connected

    def getPeer(self) -> Any:  # noqa: ANN401 - an IAddress of whatever transport
        """The client's address."""
        return self.transport.getPeer()  # type: ignore[union-attr]  # connected

    def getHost(self) -> Any:  # noqa: ANN401 - an IAddress of whatever transport
        """Our address."""
        return self.transport.getHost()  # type: ignore[union-attr]  # connected

    def write(self, data: bytes) -> None:
        """Send ``data``; whoever can should use the wire, which says when it is out."""
        self._send(self.encrypted(data))

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send several pieces."""
        self.write(b"".join(data))

    def getPeerCertificate(self) -> Any:  # noqa: ANN401 - pyOpenSSL's
        """The client's certificate, or None."""
        return None if self._is_gone else self.connection.get_peer_certificate()


class TLSSite(Factory):
    """Makes the channels of ``site``, each behind TLS."""

    noisy = False

    def __init__(self, *, site: Site, connect: Callable[[], SSL.Connection]) -> None:
        self._site = site
        self._connect = connect

    def buildProtocol(self, addr: Any) -> TLSTransport | None:  # noqa: ANN401 - an IAddress
        """A channel for a new connection; None for one that is dropped."""
        channel = self._site.buildProtocol(addr)
        if channel is None:
            return None
        return TLSTransport(
            connection=self._connect(),
            channel=channel,
            make_wire=self._site.wire,
        )


def _is_plain_http(error: SSL.Error) -> bool:
    """Whether OpenSSL has seen a request where a handshake should begin."""
    entries = error.args[0] if error.args else ()
    return any(entry[-1] == "http request" for entry in entries)
