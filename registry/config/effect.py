"""Keys that are checked like any other, but change nothing here, or not by themselves.

Whoever writes one is told, so that nobody relies on it.
"""

from __future__ import annotations

from registry.config.errors import Report
from registry.config.tree import Mapping, Node, Scalar, Sequence, find

Path = tuple[str, ...]

NEVER: dict[Path, str] = {
    ("http", "http2"): "has no effect: only HTTP/1.1 is spoken",
    ("http", "h2c"): "has no effect: only HTTP/1.1 is spoken",
    ("storage", "tag", "concurrencylimit"): (
        "has no effect: the tags of a repository are read in one go"
    ),
}
"""Keys that never have an effect, and what to tell who has them."""

NEEDS: dict[Path, Path] = {
    ("http", "tls", "clientauth"): ("http", "tls", "clientcas"),
    ("notifications", "events", "includereferences"): ("notifications", "endpoints"),
    ("proxy",): ("proxy", "remoteurl"),
    ("redis",): ("redis", "addrs"),
}
"""Keys and sections that have an effect only beside another key."""


def warn_of_no_effect(root: Mapping, report: Report) -> None:
    """Note in ``report`` everything in ``root`` that has no effect."""
    for path, message in NEVER.items():
        _warn(root, path, message, report)
    for path, needed in NEEDS.items():
        if not _says_something(root, needed):
            _warn(root, path, needs(needed), report)


def needs(needed: Path) -> str:
    """What to tell who has a key without the one that it needs."""
    return f"has no effect without {'.'.join(needed)}"


def _warn(root: Mapping, path: Path, message: str, report: Report) -> None:
    entry = find(root, path)
    if entry is not None and _says_something(root, path):
        report.warn(entry.origin, ".".join(path), message)


def _says_something(root: Mapping, path: Path) -> bool:
    entry = find(root, path)
    return entry is not None and not _is_empty(entry.value)


def _is_empty(node: Node) -> bool:
    match node:
        case Scalar():
            return node.is_null or not node.text
        case Sequence():
            return not node.items
        case Mapping():
            return all(_is_empty(entry.value) for entry in node.entries.values())
