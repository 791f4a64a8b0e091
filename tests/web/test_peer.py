"""Who is at the other end, and whether it is a proxy to be believed."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from registry.web.peer import identify

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("host", "is_trusted"),
    [
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("::ffff:10.1.2.3", True),
        ("::ffff:11.1.2.3", False),
        ("fe80::1%eth0", False),
        ("", False),
        ("registry.test", False),
    ],
)
def test_a_proxy_is_known_by_its_network(host: str, is_trusted: bool) -> None:
    assert identify(host, 1, TRUSTED).is_trusted_proxy is is_trusted


def test_nobody_is_trusted_unless_configured() -> None:
    assert not identify("127.0.0.1", 1, ()).is_trusted_proxy


def test_a_mapped_address_is_told_as_what_it_is() -> None:
    peer = identify("::ffff:192.0.2.1", 7, ())
    assert (peer.host, peer.port) == ("192.0.2.1", 7)
