"""Options of ``http.limits`` and ``http.timeouts``: what clients may cost."""

from __future__ import annotations

from typing import Annotated

import attrs

from registry.config.kinds import Count, Ours, Positive, Seconds, size
from registry.config.net import CIDR, read_network

LOOPBACK = (read_network("127.0.0.0/8"), read_network("::1/128"))


@attrs.frozen(kw_only=True)
class Limits:
    """How much clients may send and hold; from `connections` on, 0 means no bound.

    An IPv6 client is counted by its network of 64 bits. A client behind a proxy of
    `http.trustedproxies` is counted by the address that the proxy tells, and the
    proxy's own connections by nothing but `connections`.
    """

    header: Annotated[int, Ours, size(at_least=1024)] = 32 * 1024
    """All header lines of a request together; more is answered 431."""
    headers: Annotated[Positive, Ours] = 100
    """The number of header lines; more are answered 431."""
    url: Annotated[int, Ours, size(at_least=256)] = 8 * 1024
    """The path and query of a request; more is answered 414."""
    ranges: Annotated[Positive, Ours] = 32
    """The ranges that one request may ask for; with more, its `Range` is ignored and \
the whole is sent, as RFC 9110 14.2 allows."""
    bodyrate: Annotated[int, Ours, size()] = 1024
    """Bytes per second of a request's body, on average over `http.timeouts.body`; \
fewer are answered 408. 0 means that any byte keeps it alive."""
    sendrate: Annotated[int, Ours, size()] = 1024
    """Bytes per second of an answer that its client takes, on average over \
`http.timeouts.send`; with fewer its connection is cut. 0 means that any byte keeps \
it alive."""
    memory: Annotated[int, Ours, size(at_least=1024 * 1024)] = 256 * 2**20
    """What the bodies of all requests together may hold in memory. Uploads are read \
more slowly as it fills; a large manifest that does not fit is answered 503."""
    connections: Annotated[Count, Ours] = 4096
    """Connections from all clients, at most as many as there are file descriptors \
for. One more is answered 503. When three quarters of them are open, those that rest \
are closed sooner."""
    connectionsperaddress: Annotated[Count, Ours] = 1024
    """Connections from one address; one more is answered 429."""
    requests: Annotated[Count, Ours] = 2048
    """Requests of all clients that are being answered; one more is answered 503."""
    requestsperaddress: Annotated[Count, Ours] = 1024
    """Requests from one address that are being answered; one more is answered 429."""
    exempt: Annotated[tuple[CIDR, ...], Ours] = LOOPBACK
    """Networks whose addresses only the bounds of all clients hold for."""
    uploads: Annotated[Count, Ours] = 50_000
    """Uploads that were begun and are not finished, in all repositories; one more is \
answered 429."""
    uploadsperrepository: Annotated[Count, Ours] = 5000
    """Uploads that were begun and are not finished, in one repository; one more is \
answered 429."""


@attrs.frozen(kw_only=True)
class Timeouts:
    """How long a client may take before its connection is closed; 0 means for ever."""

    header: Annotated[Seconds, Ours] = 30.0
    """From the first byte of a request to the end of its header lines; answered \
408."""
    idle: Annotated[Seconds, Ours] = 120.0
    """Between two requests on one connection."""
    body: Annotated[Seconds, Ours] = 60.0
    """Without a byte of a request's body, or with fewer than `http.limits.bodyrate` \
over as long; answered 408."""
    send: Annotated[Seconds, Ours] = 60.0
    """Without a byte of an answer taken by the client, or with fewer than \
`http.limits.sendrate` over as long."""
    takeover: Annotated[Seconds, Ours] = 5.0
    """As `body`, for an upload that another request wants to go on with: when a \
client has lost its connection and comes again, this is how long its upload is still \
kept for the lost one."""
