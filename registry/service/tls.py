"""TLS for listeners: a context from the operator's files, which can be exchanged.

HTTP/1.1 is all that is offered (ALPN). Sessions are not resumed: OpenSSL keeps the key
of its tickets for as long as a context lives, so who steals it could read what was
recorded before. A handshake costs a millisecond, and clients keep their connections.

Source: RFC 7301, RFC 9325 3.4 and 4; Go ``crypto/tls`` names of cipher suites.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import (
    PrivateKeyTypes,
    PublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from OpenSSL import SSL

from registry.config.ciphers import DEFAULT, OPENSSL_NAMES
from registry.config.tls import TLS
from registry.service.certificates import Period

HTTP_1_1 = b"http/1.1"

_VERSIONS = {"tls1.2": SSL.TLS1_2_VERSION, "tls1.3": SSL.TLS1_3_VERSION}
_OPTIONS = (
    SSL.OP_NO_COMPRESSION
    | SSL.OP_NO_TICKET
    | 1 << 30  # SSL_OP_NO_RENEGOTIATION, which not every pyOpenSSL has a name for
    | SSL.OP_CIPHER_SERVER_PREFERENCE
)

_PARTIAL_WRITE = 0x1
"""SSL_MODE_ENABLE_PARTIAL_WRITE, which pyOpenSSL sets and has no name for: each call
would encrypt 16 KiB and take Python's lock in between."""


class TLSRefused(Exception):
    """The files or options do not make a server; the text says what to do."""


class CurrentContext:
    """Gives every new connection the context of the moment.

    ``period`` is when its certificate is good, if that is known.
    """

    def __init__(self, *, context: SSL.Context, period: Period | None = None) -> None:
        self._context = context
        self.period = period

    def replace(self, context: SSL.Context, period: Period | None = None) -> None:
        """Use ``context`` from now on; open connections keep what they have."""
        self._context = context
        self.period = period

    def connect(self) -> SSL.Connection:
        """The server's side of a new connection."""
        return SSL.Connection(self._context, None)


def load_context(
    *,
    certificate: str,
    key: str,
    minimum: Literal["tls1.2", "tls1.3"] = "tls1.2",
    suites: Sequence[str] = DEFAULT,
) -> SSL.Context:
    """A context from two PEM files: ``certificate`` with its chain, and its ``key``.

    Reads files. Raises TLSRefused. ``suites`` are Go's names and matter for TLS 1.2; as
    in Go, TLS 1.3 chooses for itself.
    """
    chain = _chain(certificate)
    private = _private_key(key)
    if _public_bytes(chain[0].public_key()) != _public_bytes(private.public_key()):
        raise TLSRefused(
            f"the key in {key} (http.tls.key) does not belong to the first certificate"
            f" in {certificate} (http.tls.certificate); give the pair that belongs"
            " together, and put the server's own certificate first"
        )
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_VERSIONS[minimum])
    context.set_options(_OPTIONS)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.clear_mode(_PARTIAL_WRITE)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(cipher_list(suites).encode("ascii"))
    context.set_alpn_select_callback(_select)
    _install(context, certificate, key)
    return context


def load_period(certificate: str) -> Period:
    """When the server's own certificate, the first in the file, is good.

    Reads the file. Raises TLSRefused.
    """
    return Period.of(_chain(certificate)[0])


def load(options: TLS) -> tuple[SSL.Context, Period] | None:
    """The context that ``options`` ask for, and when its certificate is good.

    None without a certificate. Reads files. Raises TLSRefused.
    """
    if options.certificate is None or options.key is None:
        return None
    context = load_context(
        certificate=options.certificate,
        key=options.key,
        minimum=options.minimumtls,
        suites=options.ciphersuites,
    )
    return context, load_period(options.certificate)


def cipher_list(suites: Sequence[str]) -> str:
    """What OpenSSL calls ``suites``. Raises TLSRefused for one that is unknown."""
    unknown = [suite for suite in suites if suite not in OPENSSL_NAMES]
    if unknown:
        raise TLSRefused(
            f"{', '.join(unknown)} (http.tls.ciphersuites): there is no such suite, or"
            f" it is not safe any more; take some of {', '.join(DEFAULT)}"
        )
    names = [OPENSSL_NAMES[suite] for suite in suites]
    older = [name for name in names if not name.startswith("TLS_")]
    return ":".join(older or (OPENSSL_NAMES[suite] for suite in DEFAULT[:6]))


def _select(connection: SSL.Connection, offered: list[bytes]) -> Any:  # noqa: ANN401 - bytes or a mark
    """HTTP/1.1 if the client can; else no agreement, and it is up to the client."""
    del connection
    return HTTP_1_1 if HTTP_1_1 in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def _install(context: SSL.Context, certificate: str, key: str) -> None:
    try:
        context.use_certificate_chain_file(certificate)
        context.use_privatekey_file(key)
        context.check_privatekey()
    except SSL.Error as error:
        raise TLSRefused(
            f"OpenSSL refuses {certificate} (http.tls.certificate) or {key}"
            f" (http.tls.key): {_reason(error)}; use RSA with at least 2048 bits, or"
            " ECDSA"
        ) from error


def _reason(error: SSL.Error) -> str:
    """The last words of OpenSSL's own list of what went wrong."""
    entries = error.args[0] if error.args else ()
    return str(entries[-1][-1]) if entries else "no reason given"


def _chain(path: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path, "http.tls.certificate"))
    except ValueError as error:
        raise TLSRefused(
            f"{path} (http.tls.certificate) holds no certificate in PEM format; it must"
            " have a part that begins with -----BEGIN CERTIFICATE-----"
        ) from error


def _private_key(path: str) -> PrivateKeyTypes:
    pem = _read(path, "http.tls.key")
    try:
        return load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise TLSRefused(
            f"the key in {path} (http.tls.key) has a passphrase, which nobody could"
            " type at start; store it without one, readable by the registry only"
        ) from error
    except ValueError as error:
        raise TLSRefused(
            f"{path} (http.tls.key) holds no private key in PEM format; it must have a"
            " part that begins with -----BEGIN PRIVATE KEY----- or similar"
        ) from error


def _read(path: str, option: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise TLSRefused(
            f"{path} ({option}) cannot be read: {error.strerror}; the registry's user"
            " must be able to read it"
        ) from error


def _public_bytes(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
