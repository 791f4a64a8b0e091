"""URLs of our own, as the client can reach them.

Behind a proxy the scheme and host that a client used are known only from forwarded
headers, and those are believed only from proxies that the configuration trusts.
"""

from __future__ import annotations

import re
from urllib.parse import quote

import attrs

from registry.web.forwarded import client_of, elements
from registry.web.request import Request

_AUTHORITY = re.compile(r"[A-Za-z0-9._~%:\[\]-]+")


@attrs.frozen(kw_only=True)
class Locations:
    """Makes the values of Location headers."""

    host: str | None = None
    """``http.host``: scheme and authority that clients use, whatever they say."""

    prefix: str = "/"
    """``http.prefix``: what precedes ``v2/``, with both slashes."""

    are_relative: bool = False
    """``http.relativeurls``: paths only, unless there is a ``host``."""

    def blob(self, request: Request, name: str, digest: str) -> str:
        """Where a blob can be pulled."""
        return self._locate(request, f"v2/{name}/blobs/{digest}")

    def manifest(self, request: Request, name: str, reference: str) -> str:
        """Where a manifest can be pulled."""
        return self._locate(request, f"v2/{name}/manifests/{reference}")

    def upload(self, request: Request, name: str, session: str, state: str) -> str:
        """Where an upload goes on."""
        path = f"v2/{name}/blobs/uploads/{session}"
        return self._locate(request, f"{path}?_state={quote(state, safe='-_=')}")

    def page(self, path: str) -> str:
        """Where the next page of a list is: always a path, as clients expect."""
        return self.prefix + path

    def _locate(self, request: Request, path: str) -> str:
        if self.host is not None:
            return self.host + self.prefix + path
        if self.are_relative:
            return self.prefix + path
        scheme, host = _origin(request)
        if not host:
            return self.prefix + path
        return f"{scheme}://{host}{self.prefix}{path}"


def _origin(request: Request) -> tuple[str, str]:
    """Scheme and authority that the client used."""
    scheme = "https" if request.secure else "http"
    host = request.header(b"host") or ""
    if not request.peer.is_trusted_proxy:
        return scheme, host
    if request.peer.told_by == b"forwarded":
        said = elements(_header(request, b"forwarded"))[0]
    else:
        said = {
            "proto": _first(request.header(b"x-forwarded-proto")),
            "host": _first(request.header(b"x-forwarded-host")),
        }
    if said.get("proto", "").lower() in ("http", "https"):
        scheme = said["proto"].lower()
    if _AUTHORITY.fullmatch(said.get("host", "")):
        host = said["host"]
    return scheme, host


def _first(value: str | None) -> str:
    return (value or "").partition(",")[0].strip()


def client_address(request: Request) -> str:
    """The client's address, as a trusted proxy tells it, else the connection's.

    Proxies pass headers on that they do not know. So only the one that ours sets is
    looked at: any other may come from the client.
    """
    peer = request.peer
    if not peer.is_trusted_proxy:
        return peer.host
    if request.client is None:
        told = _header(request, peer.told_by)
        if peer.told_by == b"forwarded":
            nodes = [said.get("for", "") for said in elements(told)]
        else:
            nodes = told.split(",")
        request.client = client_of(nodes, peer.trusted) or peer.host
    return request.client


def _header(request: Request, name: bytes) -> str:
    return request.header(name) or ""
