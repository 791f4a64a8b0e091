"""What the fuzzing of some targets begins with."""

from __future__ import annotations

import json

from registry.core.digest import Digest
from registry.core.mediatype import OCI_MANIFEST

NAME = "a/b"
CONTENT = b"content"
DIGEST = str(Digest.of(CONTENT))
SESSION = "00000000-0000-4000-8000-000000000001"
DOCUMENT = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "a/b",
        "config": {"mediaType": "a/b", "digest": DIGEST, "size": 7, "data": "e30="},
        "layers": [{"mediaType": "a/b", "digest": DIGEST, "size": 7, "urls": []}],
        "subject": {"mediaType": OCI_MANIFEST, "digest": DIGEST, "size": 7},
        "annotations": {"a": "b"},
    }
).encode()
INDEX = json.dumps(
    {
        "schemaVersion": 2,
        "manifests": [
            {
                "mediaType": OCI_MANIFEST,
                "digest": DIGEST,
                "size": 7,
                "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"},
            }
        ],
    }
).encode()
RICH = b"""\
version: 0.1
storage: {filesystem: {rootdirectory: /x}, delete: {enabled: yes}}
http: {addr: ':5000', limits: {url: 4KiB}, headers: {X-A: [b]}}
log: {fields: {a: 1}}
"""
HEAD = b"Host: a\r\n"


def sent(method: str, path: str, *lines: bytes, body: bytes = b"") -> bytes:
    """A seed of the channel: one request in one segment."""
    start = f"{method} {path} HTTP/1.1\r\n".encode() + HEAD
    return b"\0" + start + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body
