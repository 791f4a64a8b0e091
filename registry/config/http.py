"""Options of ``http``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import attrs

from registry.config.errors import Contradiction
from registry.config.kinds import Kind, Line, Ours, Password, Path, Seconds
from registry.config.limits import Limits, Timeouts
from registry.config.listen import Address, parse_address
from registry.config.net import CIDR, BaseURL, FieldName, FieldValue, Prefix
from registry.config.tls import TLS

FRAMING = frozenset({"connection", "content-length", "transfer-encoding"})
"""Headers that would tell clients a wrong length if they were configured."""


def _debug_address(text: str) -> str:
    parse_address(text)
    return text


@attrs.frozen(kw_only=True)
class HTTP2:
    """HTTP/2. Only HTTP/1.1 is spoken, so nothing here has an effect."""

    disabled: bool = False
    """Accepted; without effect."""


@attrs.frozen(kw_only=True)
class H2C:
    """HTTP/2 without TLS. Only HTTP/1.1 is spoken, so nothing here has an effect."""

    enabled: bool = False
    """Accepted; without effect."""


@attrs.frozen(kw_only=True)
class Prometheus:
    """Metrics on the debug address."""

    enabled: bool = False
    """Whether they are served."""
    path: Path = "/metrics"
    """Their path."""

    def __attrs_post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise Contradiction("path", "must begin with a slash")


@attrs.frozen(kw_only=True)
class Debug:
    """A second address, for the operator only: it asks nobody who they are."""

    addr: Annotated[str, Kind("address", _debug_address)] | None = None
    """The address, in the forms of `http.addr`. Without it, there is none."""
    prometheus: Prometheus = attrs.field(factory=Prometheus)
    """Metrics."""

    @property
    def listen(self) -> Address | None:
        """Where to listen for the operator."""
        return None if self.addr is None else parse_address(self.addr)


@attrs.frozen(kw_only=True)
class HTTP:
    """How the registry is reached."""

    addr: Line = "127.0.0.1:5000"
    """Where to listen: `host:port`, `:port`, a path with `net: unix`, or an endpoint
    such as `systemd:domain=INET:index=0` or `unix:/run/registry.sock:mode=660`."""
    net: Literal["tcp", "unix"] = "tcp"
    """Whether `addr` is a port or the path of a socket."""
    host: BaseURL | None = None
    """The URL under which clients reach the registry, if it is not what they say."""
    prefix: Prefix | None = None
    """The path that `/v2/` stands under, with a slash at both ends."""
    secret: Password | None = None
    """The key that signs upload sessions; the same on all processes that share a
    storage. Without it, one is made at the first start and kept in the storage."""
    relativeurls: bool = False
    """Whether `Location` is a path instead of a URL."""
    draintimeout: Seconds = 0.0
    """How long requests may go on when the registry is stopped; 0 ends them at once."""
    headers: Mapping[FieldName, tuple[FieldValue, ...]] = attrs.field(factory=dict)
    """Headers that are added to answers, each with a list of values."""
    trustedproxies: Annotated[tuple[CIDR, ...], Ours] = ()
    """Networks of the proxies that are believed when they tell who their client is."""
    proxyheader: Annotated[
        Literal["X-Forwarded-For", "Forwarded", "X-Real-IP"], Ours
    ] = "X-Forwarded-For"
    """The one header by which these proxies tell the client's address. Name the one
    that they set: any other may come from the client, and is not looked at. With
    `Forwarded` it also tells the scheme and host that the client used, else
    `X-Forwarded-Proto` and `X-Forwarded-Host` do."""
    limits: Annotated[Limits, Ours] = attrs.field(factory=Limits)
    """How much clients may send and hold."""
    timeouts: Annotated[Timeouts, Ours] = attrs.field(factory=Timeouts)
    """How long a client may take."""
    tls: TLS = attrs.field(factory=TLS)
    """TLS."""
    http2: HTTP2 = attrs.field(factory=HTTP2)
    """HTTP/2."""
    h2c: H2C = attrs.field(factory=H2C)
    """HTTP/2 without TLS."""
    debug: Debug = attrs.field(factory=Debug)
    """The operator's own address."""

    @property
    def listen(self) -> Address:
        """Where to listen for clients."""
        return parse_address(self.addr, self.net)

    def __attrs_post_init__(self) -> None:
        for name in self.headers:
            if name.lower() in FRAMING:
                message = "is set by the registry itself; remove it"
                raise Contradiction(f"headers.{name}", message)
        try:
            parse_address(self.addr, self.net)
        except ValueError as error:
            raise Contradiction("addr", str(error)) from None
