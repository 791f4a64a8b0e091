"""Options of ``auth``."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import attrs

from registry.config.errors import Contradiction
from registry.config.kinds import Line, Path

Algorithm = Literal[
    "EdDSA",
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "ES256",
    "ES384",
    "ES512",
    "PS256",
    "PS384",
    "PS512",
]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)


@attrs.frozen(kw_only=True)
class Token:
    """Bearer tokens of a token server."""

    realm: Line
    """The URL of the token server."""
    service: Line
    """The name of this registry in tokens."""
    issuer: Line
    """Who issues the tokens."""
    rootcertbundle: Path | None = None
    """Certificates that tokens are checked with, in PEM; this or `jwks` is required."""
    jwks: Path | None = None
    """Keys that tokens are checked with, as a JWK set."""
    signingalgorithms: tuple[Algorithm, ...] = ALGORITHMS
    """The algorithms that tokens may be signed with."""
    autoredirect: bool = False
    """Whether the realm is this registry's own address with `autoredirectpath`."""
    autoredirectpath: Line = "/auth/token"
    """The path of the token server behind this registry's address."""

    def __attrs_post_init__(self) -> None:
        if self.rootcertbundle is None and self.jwks is None:
            raise Contradiction("", "needs rootcertbundle or jwks to check tokens with")


@attrs.frozen(kw_only=True)
class Htpasswd:
    """User names and passwords in a file."""

    realm: Line
    """The name that clients are shown."""
    path: Path
    """The file, made with `htpasswd -B`."""


@attrs.frozen(kw_only=True)
class Silly:
    """Lets everyone in who sends any credentials at all. For tests."""

    realm: Line
    """The URL of a token server in challenges."""
    service: Line
    """The name of this registry in challenges."""


@attrs.frozen(kw_only=True)
class NoAuth:
    """Lets everyone in."""


@attrs.frozen(kw_only=True)
class Auth:
    """Who may do what. At most one way; without one, everyone may do everything."""

    EXCLUSIVE: ClassVar[tuple[str, ...]] = ("token", "htpasswd", "silly", "none")

    token: Token | None = None
    """Bearer tokens."""
    htpasswd: Htpasswd | None = None
    """User names and passwords."""
    silly: Silly | None = None
    """Any credentials."""
    none: NoAuth | None = None
    """No credentials."""
