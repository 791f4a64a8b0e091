"""The request headers that containerd sends."""

from __future__ import annotations

import base64
import json
import random

USER_AGENT = ("User-Agent", "containerd/1.6.20~ds1")


def _token() -> str:
    """A bearer token of the usual size; its signature is noise, nobody checks it."""
    claims = {
        "iss": "auth.example.org",
        "sub": "team-robot",
        "aud": "registry.example.org",
        "exp": 4102444800,
        "nbf": 1704067200,
        "iat": 1704067200,
        "jti": "Zk3n8Jt0QmS5xV1c",
        "access": [
            {"type": "repository", "name": "team/application", "actions": ["pull"]}
        ],
    }
    parts = [
        json.dumps({"typ": "JWT", "alg": "RS256", "kid": "J7DK:KVLC"}).encode(),
        json.dumps(claims).encode(),
        random.Random(1).randbytes(256),
    ]
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts
    )


AUTHORIZATION = ("Authorization", f"Bearer {_token()}")

_ACCEPTED = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "*/*",
]

MANIFEST = [("Accept", ", ".join(_ACCEPTED)), USER_AGENT, AUTHORIZATION]
"""Asking for a manifest."""

BLOB = [
    ("Accept", "application/vnd.oci.image.layer.v1.tar+gzip, */*"),
    USER_AGENT,
    AUTHORIZATION,
]
"""Asking for a blob."""

PUSH = [USER_AGENT, AUTHORIZATION]
"""Starting or ending an upload."""
