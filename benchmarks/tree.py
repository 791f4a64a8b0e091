"""Directories drawn before a server starts, so that nothing depends on its pushes."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from registry.core.digest import Digest
from registry.core.name import RepositoryName, Tag
from registry.storage import layout


class Tree(Protocol):
    """What a server reads, being drawn."""

    def blob(self, repository: str, digest: Digest, content: bytes) -> None:
        """Put a blob into a repository."""

    def manifest(
        self, repository: str, tag: str, digest: Digest, content: bytes
    ) -> None:
        """Put a manifest into a repository and point a tag at it."""


class RegistryTree:
    """Distribution's layout, as both registries read it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def blob(self, repository: str, digest: Digest, content: bytes) -> None:
        """Content once, and the link that puts it into the repository."""
        self._content(digest, content)
        self._link(layout.layer_link(RepositoryName(repository), digest), digest)

    def manifest(
        self, repository: str, tag: str, digest: Digest, content: bytes
    ) -> None:
        """Content, revision, and both links of the tag."""
        name = RepositoryName(repository)
        self._content(digest, content)
        self._link(layout.revision_link(name, digest), digest)
        self._link(layout.tag_index(name, Tag(tag), digest), digest)
        self._link(layout.tag_current(name, Tag(tag)), digest)

    def _content(self, digest: Digest, content: bytes) -> None:
        path = self._root / layout.blob_data(digest)
        if not path.exists():
            _write(path, content)

    def _link(self, path: str, digest: Digest) -> None:
        _write(self._root / path, str(digest).encode())


class StaticTree:
    """Files whose paths are the paths of the registry API, for a static file server."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def blob(self, repository: str, digest: Digest, content: bytes) -> None:
        """The file that a GET of the blob names."""
        _write(self._root / f"v2/{repository}/blobs/{digest}", content)

    def manifest(
        self,
        repository: str,
        tag: str,
        digest: Digest,  # noqa: ARG002 - only tags are asked for
        content: bytes,
    ) -> None:
        """The file that a GET by tag names."""
        _write(self._root / f"v2/{repository}/manifests/{tag}", content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
