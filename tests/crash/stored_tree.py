"""Whether the files of a store hang together, looked at without a registry.

Content has the digest of its place; a link holds a digest and leads to content that is
there; a tag leads to a revision. What is not known is wrong too: only leftovers that
every reader ignores (``*.tmp``) may lie about.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterator, Mapping

from registry.core.digest import Digest
from registry.core.errors import DigestInvalid
from registry.storage.layout import BLOBS, REPOSITORIES, blob_data

_CONTENT = re.compile(rf"{BLOBS}/sha256/([0-9a-f]{{2}})/(\1[0-9a-f]{{62}})/data")
_HELD = re.compile(
    rf"{REPOSITORIES}/(.+)/(?:_layers|_manifests/revisions)/(sha\d+)/([0-9a-f]+)/link"
)
_CURRENT = re.compile(rf"{REPOSITORIES}/(.+)/_manifests/tags/[^/]+/current/link")
_INDEX = re.compile(
    rf"{REPOSITORIES}/.+/_manifests/tags/[^/]+/index/(sha\d+)/([0-9a-f]+)/link"
)
_UPLOAD = re.compile(rf"{REPOSITORIES}/.+/_uploads/[0-9a-f-]{{36}}/(data|startedat)")


def faults_of(files: Mapping[str, bytes], known: Container[str] = ()) -> list[str]:
    """What is wrong with the files of a store, by path below its root.

    Content that is ``known`` to be whole is not read.
    """
    wrong: list[str] = []
    for path in files:
        if path.startswith("_registry/") or path.endswith(".tmp") or path in known:
            continue
        fault = _fault(path, files)
        if fault is not None:
            wrong.append(f"{path}: {fault}")
    return wrong


def _fault(path: str, files: Mapping[str, bytes]) -> str | None:
    if found := _CONTENT.fullmatch(path):
        is_whole = Digest.of(files[path]).hex == found[2]
        return None if is_whole else f"other bytes: {len(files[path])} of them"
    if found := _HELD.fullmatch(path):
        target = _target(files[path])
        if target is None or (found[2] == "sha256" and target.hex != found[3]):
            return f"no link, but {files[path][:100]!r}"
        return (
            None if blob_data(target) in files else "leads to content that is missing"
        )
    if found := _CURRENT.fullmatch(path):
        return _fault_of_tag(files[path], found[1], files)
    if found := _INDEX.fullmatch(path):
        target = _target(files[path])
        is_link = (
            target is not None and (target.algorithm, target.hex) == found.groups()
        )
        return None if is_link else f"no link, but {files[path][:100]!r}"
    return None if _UPLOAD.fullmatch(path) else "does not belong here"


def _fault_of_tag(content: bytes, name: str, files: Mapping[str, bytes]) -> str | None:
    target = _target(content)
    if target is None:
        return f"no link, but {content[:100]!r}"
    place = f"{REPOSITORIES}/{name}/_manifests/revisions"
    revision = f"{place}/{target.algorithm}/{target.hex}/link"
    return None if revision in files else f"leads to {target}, which is not held"


def _target(content: bytes) -> Digest | None:
    try:
        return Digest.parse(content.decode("ascii"))
    except (UnicodeDecodeError, DigestInvalid):
        return None


class Files(Mapping[str, bytes]):
    """The files below ``root`` as they were when this was made; bytes are read late."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._identities: dict[str, tuple[int, ...]] = {}
        for directory, _, names in os.walk(root):
            for name in names:
                path = os.path.join(directory, name)
                self._identities[os.path.relpath(path, root)] = _identity(path)

    def unchanged(self, before: Files | None) -> set[str]:
        """Content that is still the file that it was before."""
        if before is None:
            return set()
        same = self._identities.items() & before._identities.items()
        return {path for path, _ in same if _CONTENT.fullmatch(path)}

    def __getitem__(self, path: str) -> bytes:
        if path not in self._identities:
            raise KeyError(path)
        with open(os.path.join(self._root, path), "rb") as file:
            return file.read()

    def __iter__(self) -> Iterator[str]:
        return iter(self._identities)

    def __len__(self) -> int:
        return len(self._identities)

    def __contains__(self, path: object) -> bool:
        return path in self._identities


def _identity(path: str) -> tuple[int, ...]:
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns
