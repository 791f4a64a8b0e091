"""Push a manifest and all that it needs, bottom up, as every client does."""

from __future__ import annotations

from registry.core.digest import Digest
from registry.testing.client import Answer, Client
from registry.testing.images import Manifest


def push(client: Client, name: str, reference: object, manifest: Manifest) -> Answer:
    """Push ``manifest`` under a tag or digest; its children under their digests."""
    for blob in manifest.blobs:
        client.push_blob(name, blob)
    for child in manifest.children:
        push(client, name, child.digest, child)
    answer = client.push_manifest(
        name, reference, manifest.content, manifest.media_type
    )
    return answer.expect(201)


def missing(client: Client, name: str, manifest: Manifest) -> list[str]:
    """What of ``manifest`` a registry does not serve, byte for byte; best empty."""
    wrong = [
        f"blob {client.blob(name, digest).request}"
        for digest, blob in manifest.blobs_by_digest().items()
        if client.blob(name, digest).body != blob
    ]
    for child in manifest.children:
        wrong += missing(client, name, child)
    answer = client.manifest(name, manifest.digest)
    if (answer.status, answer.body) != (200, manifest.content):
        wrong.append(f"{answer.request}: {answer.status} {answer.body[:200]!r}")
    return wrong


def served(client: Client, name: str, reference: object) -> dict[Digest, bytes]:
    """All that a registry serves for a manifest, each part proven by its digest.

    Fails when a descriptor's size or digest is not that of the content.
    """
    answer = client.manifest(name, reference).expect(200)
    found = {Digest.of(answer.body): answer.body}
    document = answer.json()
    for child in document.get("manifests", []):
        found |= served(client, name, child["digest"])
    blobs = [document["config"], *document["layers"]] if "config" in document else []
    for described in blobs:
        digest = Digest.parse(described["digest"])
        content = client.blob(name, digest).expect(200).body
        actual = Digest.of(content, digest.algorithm)
        assert (len(content), actual) == (described["size"], digest)
        found[digest] = content
    return found
