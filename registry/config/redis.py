"""Options of ``redis``: those of go-redis, in lower case."""

from __future__ import annotations

from typing import Annotated, Literal

import attrs

from registry.config.kinds import Count, Line, Password, Path, Seconds, integer

Retry = Annotated[int, integer(at_least=-1)]


@attrs.frozen(kw_only=True)
class RedisTLS:
    """TLS to Redis."""

    certificate: Path | None = None
    """The client's certificate, in PEM."""
    key: Path | None = None
    """Its key."""
    rootcas: tuple[Path, ...] = ()
    """Certificates that the server is checked with."""


@attrs.frozen(kw_only=True)
class Redis:
    """A Redis server, or several that work together."""

    addrs: tuple[Line, ...] = ()
    """Their addresses, `host:port`. Without any, Redis is not used."""
    clientname: Line | None = None
    """What the registry calls itself."""
    db: Count = 0
    """The database."""
    protocol: Literal["2", "3"] | None = None
    """The version of the protocol."""
    username: Line | None = None
    """The user to log in as."""
    password: Password | None = None
    """Their password."""
    sentinelusername: Line | None = None
    """The user to log in as at a sentinel."""
    sentinelpassword: Password | None = None
    """Their password."""
    maxretries: Retry = 0
    """How often a command is tried again; 0 means 3 times, -1 never."""
    minretrybackoff: Seconds = 0.0
    """The shortest wait before a command is tried again; 0 means 8ms."""
    maxretrybackoff: Seconds = 0.0
    """The longest wait before a command is tried again; 0 means 512ms."""
    dialtimeout: Seconds = 0.0
    """How long to wait for a connection; 0 means 5s."""
    readtimeout: Seconds = 0.0
    """How long to wait for an answer; 0 means 3s."""
    writetimeout: Seconds = 0.0
    """How long to wait for a command to be taken; 0 means 3s."""
    contexttimeoutenabled: bool = False
    """Whether the deadline of a request ends its commands."""
    poolfifo: bool = False
    """Whether the connection that rested longest is used first."""
    poolsize: Count = 0
    """How many connections are kept; 0 means 10 for each CPU."""
    pooltimeout: Seconds = 0.0
    """How long to wait for a free connection; 0 means one second more than reading."""
    minidleconns: Count = 0
    """How many idle connections are held ready."""
    maxidleconns: Count = 0
    """How many idle connections are kept at most; 0 means no limit."""
    maxactiveconns: Count = 0
    """How many connections there are at most; 0 means no limit."""
    connmaxidletime: Seconds = 0.0
    """How long a connection may be idle; 0 means 30m."""
    connmaxlifetime: Seconds = 0.0
    """How long a connection may be used; 0 means for ever."""
    maxredirects: Retry = 0
    """How many redirections of a cluster are followed; 0 means 3."""
    readonly: bool = False
    """Whether replicas of a cluster may be read."""
    routebylatency: bool = False
    """Whether the nearest node of a cluster is read."""
    routerandomly: bool = False
    """Whether any node of a cluster is read."""
    mastername: Line | None = None
    """The name of the master that sentinels watch over."""
    disableidentity: bool = False
    """Whether the library's name is not sent."""
    identitysuffix: Line | None = None
    """What is added to the library's name."""
    unstableresp3: bool = False
    """Accepted; without effect."""
    tls: RedisTLS = attrs.field(factory=RedisTLS)
    """TLS."""
