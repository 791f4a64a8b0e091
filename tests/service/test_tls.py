"""TLS of listeners, with real clients."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_twisted
from certificates import Pair, make_pair
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource
from twisted.web.server import Request

from registry.config.ciphers import DEFAULT
from registry.config.listen import TCPAddress
from registry.service.listeners import listen
from registry.service.tls import CurrentContext, TLSRefused, cipher_list, load_context
from registry.storage.readahead import ReadAhead
from registry.storage.workers import Inline
from registry.testing.harness import calm
from registry.web.limits import Limits
from registry.web.site import Exposure, Site
from registry.web.tls_transport import TLSSite
from registry.web.tree import Tree


class Greeting(Resource):
    """A page that says hello."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def render_GET(self, request: Request) -> bytes:
        del request
        return b"hello"


@attrs.frozen
class Heard:
    """What a client learned about its connection."""

    version: str | None
    cipher: str
    alpn: str | None
    common_name: bytes
    is_resumed: bool | None
    text: bytes


@asynccontextmanager
async def serving(current: CurrentContext) -> AsyncIterator[int]:
    site = Site(
        api=None,
        tree=Tree(root=Greeting()),
        exposure=Exposure(),
        limits=Limits(),
        reactor=reactor,
        read_ahead=ReadAhead(workers=Inline()),
    )
    listener = await listen(
        address=TCPAddress("127.0.0.1", 0),
        factory=TLSSite(site=site, connect=current.connect),
        reactor=reactor,
        is_secure=True,
    )
    assert listener.url.startswith("https://127.0.0.1:")
    try:
        with calm():
            yield int(listener.url.rpartition(":")[2])
    finally:
        await listener.close()


def current(pair: Pair, **options: Any) -> CurrentContext:
    context = load_context(certificate=pair.certificate, key=pair.key, **options)
    return CurrentContext(context=context)


def client(pair: Pair, *alpn: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=pair.certificate)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def hear(
    context: ssl.SSLContext, port: int, session: ssl.SSLSession | None = None
) -> tuple[Heard, ssl.SSLSession | None]:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(
            plain, server_hostname="localhost", session=session
        ) as secure,
    ):
        secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = HTTPResponse(secure)
        answer.begin()
        text = answer.read()
        certificate = secure.getpeercert(binary_form=True) or b""
        heard = Heard(
            secure.version(),
            (secure.cipher() or ("",))[0],
            secure.selected_alpn_protocol(),
            b"ecdsa" if b"ecdsa" in certificate else b"rsa",
            secure.session_reused,
            text,
        )
        return heard, secure.session


@pytest_twisted.ensureDeferred
async def test_a_client_that_trusts_the_certificate_is_served(rsa_pair: Pair) -> None:
    async with serving(current(rsa_pair)) as port:
        heard, _ = await deferToThread(hear, client(rsa_pair), port)
    assert (heard.version, heard.text) == ("TLSv1.3", b"hello")


@pytest_twisted.ensureDeferred
async def test_an_ecdsa_certificate_is_served(ecdsa_pair: Pair) -> None:
    context = client(ecdsa_pair)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(current(ecdsa_pair)) as port:
        heard, _ = await deferToThread(hear, context, port)
    assert (heard.version, heard.text) == ("TLSv1.2", b"hello")
    assert heard.cipher == "ECDHE-ECDSA-AES128-GCM-SHA256"


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (("h2", "http/1.1"), "http/1.1"),
        (("http/1.1",), "http/1.1"),
        (("h2",), None),
        ((), None),
    ],
)
async def test_http_1_1_is_all_that_is_agreed_on(
    rsa_pair: Pair, offered: tuple[str, ...], chosen: str | None
) -> None:
    async with serving(current(rsa_pair)) as port:
        heard, _ = await deferToThread(hear, client(rsa_pair, *offered), port)
    assert heard.alpn == chosen


@pytest_twisted.ensureDeferred
async def test_a_client_below_the_minimum_version_is_refused(rsa_pair: Pair) -> None:
    old = client(rsa_pair)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(current(rsa_pair, minimum="tls1.3")) as port:
        with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
            await deferToThread(hear, old, port)


@pytest_twisted.ensureDeferred
async def test_tls_1_1_is_never_spoken(rsa_pair: Pair) -> None:
    async with serving(current(rsa_pair)) as port:
        ended = await deferToThread(
            subprocess.run,
            [
                *("openssl", "s_client", "-connect", f"127.0.0.1:{port}"),
                *("-tls1_1", "-cipher", "ALL@SECLEVEL=0"),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
        )
    assert ended.returncode != 0
    assert "alert protocol version" in ended.stderr


@pytest_twisted.ensureDeferred
async def test_the_servers_order_of_cipher_suites_decides(rsa_pair: Pair) -> None:
    suites = (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    )
    wants = client(rsa_pair)
    wants.maximum_version = ssl.TLSVersion.TLSv1_2
    wants.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305")
    async with serving(current(rsa_pair, suites=suites)) as port:
        heard, _ = await deferToThread(hear, wants, port)
    assert heard.cipher == "ECDHE-RSA-CHACHA20-POLY1305"


@pytest_twisted.ensureDeferred
async def test_a_suite_that_is_not_configured_is_not_spoken(rsa_pair: Pair) -> None:
    wants = client(rsa_pair)
    wants.maximum_version = ssl.TLSVersion.TLSv1_2
    wants.set_ciphers("ECDHE-RSA-AES256-SHA")
    async with serving(current(rsa_pair)) as port:
        with pytest.raises(ssl.SSLError, match=r"(?i)handshake.failure"):
            await deferToThread(hear, wants, port)


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_no_session_is_resumed(rsa_pair: Pair, version: ssl.TLSVersion) -> None:
    context = client(rsa_pair)
    context.minimum_version = context.maximum_version = version
    async with serving(current(rsa_pair)) as port:
        _, session = await deferToThread(hear, context, port)
        heard, _ = await deferToThread(hear, context, port, session)
    assert not heard.is_resumed


@pytest_twisted.ensureDeferred
async def test_a_new_certificate_is_used_for_new_connections(
    rsa_pair: Pair, ecdsa_pair: Pair
) -> None:
    served = current(rsa_pair)
    async with serving(served) as port:
        before, _ = await deferToThread(hear, client(rsa_pair), port)
        served.replace(
            load_context(certificate=ecdsa_pair.certificate, key=ecdsa_pair.key)
        )
        after, _ = await deferToThread(hear, client(ecdsa_pair), port)
    assert (before.common_name, after.common_name) == (b"rsa", b"ecdsa")


def refused(certificate: str | Path, key: str | Path) -> str:
    with pytest.raises(TLSRefused) as caught:
        load_context(certificate=str(certificate), key=str(key))
    return str(caught.value)


def test_a_key_of_another_certificate_is_refused(
    rsa_pair: Pair, ecdsa_pair: Pair
) -> None:
    told = refused(rsa_pair.certificate, ecdsa_pair.key)
    assert "does not belong to the first certificate" in told
    assert "http.tls.key" in told


def test_a_missing_file_is_named(rsa_pair: Pair, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    told = refused(missing, rsa_pair.key)
    assert told.startswith(f"{missing} (http.tls.certificate) cannot be read: No such")
    told = refused(rsa_pair.certificate, missing)
    assert told.startswith(f"{missing} (http.tls.key) cannot be read: No such")


def test_files_the_wrong_way_round_are_refused(rsa_pair: Pair) -> None:
    told = refused(rsa_pair.key, rsa_pair.certificate)
    assert "holds no certificate in PEM format" in told


def test_a_file_without_a_key_is_refused(rsa_pair: Pair) -> None:
    told = refused(rsa_pair.certificate, rsa_pair.certificate)
    assert "holds no private key in PEM format" in told


def test_a_key_with_a_passphrase_is_refused(rsa_pair: Pair, tmp_path: Path) -> None:
    locked = tmp_path / "locked.key"
    subprocess.run(
        [
            *("openssl", "rsa", "-aes256", "-passout", "pass:hunter2"),
            *("-in", rsa_pair.key, "-out", str(locked)),
        ],
        check=True,
        capture_output=True,
    )
    assert "has a passphrase" in refused(rsa_pair.certificate, locked)


def test_a_weak_key_is_refused(tmp_path: Path) -> None:
    weak = make_pair(tmp_path, "weak", "-newkey", "rsa:1024")
    told = refused(weak.certificate, weak.key)
    assert "too small; use RSA with at least 2048 bits" in told


def test_unknown_cipher_suites_are_named() -> None:
    with pytest.raises(TLSRefused, match="TLS_RSA_WITH_RC4_128_SHA, TLS_FOO"):
        cipher_list(["TLS_RSA_WITH_RC4_128_SHA", DEFAULT[0], "TLS_FOO"])


def test_suites_of_tls_1_3_alone_leave_the_others_as_they_are() -> None:
    assert cipher_list(["TLS_AES_128_GCM_SHA256"]) == cipher_list(DEFAULT)
