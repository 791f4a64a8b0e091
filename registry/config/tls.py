"""Options of ``http.tls``."""

from __future__ import annotations

from typing import Annotated, Literal

import attrs

from registry.config.ciphers import DEFAULT, OPENSSL_NAMES
from registry.config.errors import Contradiction
from registry.config.kinds import Kind, Line, Path
from registry.config.net import URL


def _cipher_suite(text: str) -> str:
    if text not in OPENSSL_NAMES:
        raise ValueError(
            f"is not a cipher suite that can be used; there are:"
            f" {', '.join(OPENSSL_NAMES)}"
        )
    return text


CipherSuite = Annotated[str, Kind("cipher suite", _cipher_suite)]
ClientAuth = Literal[
    "request-client-cert",
    "require-any-client-cert",
    "verify-client-cert-if-given",
    "require-and-verify-client-cert",
]


@attrs.frozen(kw_only=True)
class LetsEncrypt:
    """Certificates from Let's Encrypt or another ACME server."""

    cachefile: Path | None = None
    """Where they are kept."""
    email: Line | None = None
    """Who is told of trouble with them."""
    hosts: tuple[Line, ...] = ()
    """The names that they are asked for."""
    directoryurl: URL | None = None
    """The ACME server, where it is not Let's Encrypt."""

    @property
    def used(self) -> bool:
        """Whether certificates come from there."""
        return self.cachefile is not None or bool(self.hosts)


@attrs.frozen(kw_only=True)
class TLS:
    """TLS on the same port as HTTP. Without a certificate, plain HTTP."""

    certificate: Path | None = None
    """The certificate with its chain, in PEM."""
    key: Path | None = None
    """Its key, in PEM."""
    clientcas: tuple[Path, ...] = ()
    """Certificates that clients' certificates are checked with."""
    clientauth: ClientAuth = "require-and-verify-client-cert"
    """What is asked of clients, with `clientcas`."""
    minimumtls: Literal["tls1.2", "tls1.3"] = "tls1.2"
    """The oldest version of TLS that is spoken."""
    ciphersuites: tuple[CipherSuite, ...] = DEFAULT
    """Cipher suites by Go's names, for TLS 1.2."""
    letsencrypt: LetsEncrypt = attrs.field(factory=LetsEncrypt)
    """Certificates from an ACME server."""

    @property
    def enabled(self) -> bool:
        """Whether TLS is spoken."""
        return self.certificate is not None

    def __attrs_post_init__(self) -> None:
        if self.certificate is not None and self.key is None:
            raise Contradiction("certificate", "needs http.tls.key beside it")
        if self.key is not None and self.certificate is None:
            raise Contradiction("key", "needs http.tls.certificate beside it")
        if self.certificate is not None and self.letsencrypt.used:
            raise Contradiction(
                "letsencrypt", "excludes http.tls.certificate; keep one of them"
            )
