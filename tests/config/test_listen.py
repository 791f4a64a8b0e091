"""Where to listen, as the configuration can say it."""

import pytest
from twisted.internet.endpoints import serverFromString
from twisted.internet.testing import MemoryReactor

from registry.config.listen import (
    EndpointAddress,
    TCPAddress,
    UnixAddress,
    parse_address,
)


@pytest.mark.parametrize(
    ("text", "net", "address"),
    [
        (":5000", "tcp", TCPAddress("", 5000)),
        ("0.0.0.0:0", "tcp", TCPAddress("0.0.0.0", 0)),
        ("registry.example.org:80", "tcp", TCPAddress("registry.example.org", 80)),
        ("[::1]:80", "tcp", TCPAddress("::1", 80)),
        ("[fe80::1%eth0]:80", "tcp", TCPAddress("fe80::1%eth0", 80)),
        ("/run/registry.sock", "unix", UnixAddress("/run/registry.sock")),
    ],
)
def test_an_address_is_read_and_written_back(
    text: str, net: str, address: TCPAddress | UnixAddress
) -> None:
    assert parse_address(text, net) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "systemd:domain=INET:index=0",
        "unix:/run/x.sock:mode=660",
        "tcp:port=80:interface=127.0.0.1",
    ],
)
@pytest.mark.parametrize("net", ["tcp", "unix"])
def test_an_endpoint_is_taken_as_it_is(text: str, net: str) -> None:
    address = parse_address(text, net)
    assert address == EndpointAddress(text)
    assert address.endpoint == str(address) == text


@pytest.mark.parametrize(
    ("text", "net", "place"),
    [
        (":5000", "tcp", ("", 5000)),
        ("127.0.0.1:80", "tcp", ("127.0.0.1", 80)),
        ("[::1]:80", "tcp", ("::1", 80)),
    ],
)
def test_twisted_listens_where_the_endpoint_says(
    text: str, net: str, place: tuple[str, int]
) -> None:
    reactor = MemoryReactor()
    endpoint = serverFromString(reactor, parse_address(text, net).endpoint)
    endpoint.listen(object())
    ((port, _factory, _backlog, interface),) = reactor.tcpServers
    assert (interface, port) == place


def test_a_socket_with_a_colon_in_its_path_is_one_path() -> None:
    reactor = MemoryReactor()
    address = parse_address("/run/a:b.sock", "unix")
    serverFromString(reactor, address.endpoint).listen(object())
    assert reactor.unixServers[0][0] == "/run/a:b.sock"


@pytest.mark.parametrize(
    "text", ["", "5000", "a", "a:b", ":70000", "::1:80", "[zz]:80", "/run/x", "a b:1"]
)
def test_what_is_no_address_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="must be host:port, :port, a socket's path"):
        parse_address(text)
