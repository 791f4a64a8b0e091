"""TLS between a TCP transport and a channel.

Twisted's own TLS protocol copies every byte several times on the reactor's thread. Here
small answers are encrypted at once and go straight to the socket; bulk is encrypted in
worker threads, where OpenSSL runs without Python's lock, so that more than one core
serves (``tls_wire.py``).

An OpenSSL connection belongs to one thread at a time. While a worker has it, nothing is
read from the client, and what was read already waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from registry.storage.workers import Workers
from registry.web.wire import Wire

if TYPE_CHECKING:
    from registry.web.channel import Channel
    from registry.web.site import Site

RECORD = 16 * 1024
"""Bytes of the largest TLS record: what one read gives. RFC 8446 5.1."""

FLUSH = 64 * 1024
"""Bytes of ciphertext that are taken from OpenSSL at a time."""


@implementer(ITransport)
class TLSTransport(Protocol):
    """The encrypted connection that a channel takes for its transport."""

    def __init__(
        self,
        *,
        connection: SSL.Connection,
        channel: Channel,
        make_wire: Callable[[Any, Callable[[], object]], Wire],
        workers: Workers,
    ) -> None:
        self.connection = connection
        self.workers = workers
        self._channel = channel
        self._make_wire = make_wire
        self._is_ready = False
        self._is_paused = False
        self._is_lent = False
        self._is_ending = False
        self._waiting: list[bytes] = []

    # What TCP says.

    def connectionMade(self) -> None:
        """A client has come. Its deadlines start now, so they cover the handshake."""
        self.connection.set_accept_state()
        self.raw = self._make_wire(self.transport, self.abortConnection)
        self._channel.makeConnection(self)  # type: ignore[no-untyped-call]

    def dataReceived(self, data: bytes) -> None:
        """Ciphertext from the client."""
        if self._is_lent:
            self._waiting.append(data)
        else:
            self._decrypt(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client has gone."""
        self._is_ending = True
        self._waiting.clear()
        self.raw.disconnected()
        self._channel.connectionLost(reason)

    def _decrypt(self, data: bytes) -> None:
        if data:
            self.connection.bio_write(data)
        try:
            if not self._is_ready:
                self.connection.do_handshake()
                self._is_ready = True
            while not self._is_lent:
                self._channel.dataReceived(self.connection.recv(RECORD))
        except SSL.WantReadError:
            self.flush()
        except SSL.ZeroReturnError:
            self.flush()
            self._channel.readConnectionLost()
        except SSL.Error:
            self.flush()  # an alert says why
            self.abortConnection()

    # OpenSSL, lent to a worker and back.

    def lend(self) -> None:
        """Leave the connection to a worker: read nothing until ``take_back``."""
        self._is_lent = True
        self._pace()

    def take_back(self) -> None:
        """The worker is done: go on with what has come meanwhile."""
        self._is_lent = False
        if self._is_ending:
            return
        waiting, self._waiting = b"".join(self._waiting), []
        self._decrypt(waiting)
        self._pace()

    def encrypted(self, data: bytes) -> bytes:
        """``data`` as ciphertext. For whoever has the connection."""
        self.connection.sendall(data)
        return self._ciphertext(len(data) + len(data) // 64 + FLUSH)

    def flush(self) -> None:
        """Send what OpenSSL has to say by itself: its handshake, its alerts."""
        if self.raw.is_sending:
            return  # it goes out with the next answer, in its order
        ciphertext = self._ciphertext(FLUSH)
        if ciphertext:
            sending = self.raw.write([ciphertext])
            if sending is not None:
                sending.addErrback(lambda _: None)  # the channel hears of it

    def _ciphertext(self, size: int) -> bytes:
        parts = []
        try:
            while True:
                parts.append(self.connection.bio_read(size))
        except SSL.WantReadError:
            return b"".join(parts)

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
        if self._is_ending:
            return
        if self._is_paused or self._is_lent:
            self.transport.pauseProducing()  # type: ignore[union-attr]  # connected
        else:
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
        if self._is_ready and not self._is_lent:
            try:
                self.connection.shutdown()
            except SSL.Error:
                return  # there is nobody left to say it to
            self.flush()

    def abortConnection(self) -> None:
        """Drop the connection."""
        self._is_ending = True
        self.transport.abortConnection()  # type: ignore[union-attr]  # connected

    def getPeer(self) -> Any:  # noqa: ANN401 - an IAddress of whatever transport
        """The client's address."""
        return self.transport.getPeer()  # type: ignore[union-attr]  # connected

    def getHost(self) -> Any:  # noqa: ANN401 - an IAddress of whatever transport
        """Our address."""
        return self.transport.getHost()  # type: ignore[union-attr]  # connected

    def write(self, data: bytes) -> None:
        """Send ``data``; whoever can should use the wire, which says when it is out."""
        self.raw.write([self.encrypted(data)])

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send several pieces."""
        self.write(b"".join(data))

    def getPeerCertificate(self) -> Any:  # noqa: ANN401 - pyOpenSSL's
        """The client's certificate, or None."""
        return self.connection.get_peer_certificate()


class TLSSite(Factory):
    """Makes the channels of ``site``, each behind TLS."""

    noisy = False

    def __init__(
        self, *, site: Site, connect: Callable[[], SSL.Connection], workers: Workers
    ) -> None:
        self._site = site
        self._connect = connect
        self._workers = workers

    def buildProtocol(self, addr: Any) -> TLSTransport:  # noqa: ANN401 - an IAddress
        """A channel for a new connection."""
        return TLSTransport(
            connection=self._connect(),
            channel=self._site.buildProtocol(addr),
            make_wire=self._site.wire,
            workers=self._workers,
        )
