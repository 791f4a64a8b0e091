"""Keys that Distribution once had, and what becomes of them.

They are accepted with a warning, so that a configuration of 2.8 still starts.

Source: Distribution 2.8 and 3.1 ``configuration.go``, and the notes of release 3.0.
"""

from __future__ import annotations

from registry.config.errors import Report
from registry.config.tree import (
    Entry,
    Mapping,
    Scalar,
    Sequence,
    find,
    placed,
    removed,
)

Path = tuple[str, ...]

MOVED: dict[Path, Path] = {
    ("loglevel",): ("log", "level"),
    ("storage", "cache", "layerinfo"): ("storage", "cache", "blobdescriptor"),
    ("redis", "addr"): ("redis", "addrs"),
    ("redis", "pool", "maxidle"): ("redis", "maxidleconns"),
    ("redis", "pool", "maxactive"): ("redis", "poolsize"),
    ("redis", "pool", "idletimeout"): ("redis", "connmaxidletime"),
}
"""Old keys, and the new ones that their values belong to."""

DROPPED: dict[Path, str] = {
    ("compatibility",): "has no effect: manifests of schema 1 are not supported",
    ("reporting",): "has no effect: nothing is reported to bugsnag or newrelic",
    ("validation", "enabled"): "has no effect: set validation.disabled instead",
}
"""Keys that nothing reads any more, and what to tell who has them."""

_LISTS = frozenset({("redis", "addrs")})


def moved(parts: Path) -> Path | None:
    """The old key that the parts of a variable's name spell, if they do."""
    path = tuple(part.lower() for part in parts)
    return path if path in MOVED else None


def dropped(parts: Path) -> str | None:
    """What to tell who sets a dropped key, or one below it, by a variable."""
    path = tuple(part.lower() for part in parts)
    for old, message in DROPPED.items():
        if path[: len(old)] == old:
            return message
    return None


def modernised(root: Mapping, report: Report) -> Mapping:
    """``root`` with today's keys only, and a warning for each old one."""
    for old, new in MOVED.items():
        root = _move(root, old, new, report)
    pool = find(root, ("redis", "pool"))
    if pool is not None and pool.value == Mapping(pool.value.origin):
        root = removed(root, ("redis", "pool"))
    for old, message in DROPPED.items():
        entry = find(root, old)
        if entry is not None:
            report.warn(entry.origin, ".".join(old), message)
            root = removed(root, old)
    return root


def _move(root: Mapping, old: Path, new: Path, report: Report) -> Mapping:
    entry = find(root, old)
    if entry is None:
        return root
    root = removed(root, old)
    name = ".".join(new)
    if find(root, new) is not None:
        message = f"is the old name of {name}, which is set too; ignored"
        report.warn(entry.origin, ".".join(old), message)
        return root
    report.warn(entry.origin, ".".join(old), f"is the old name of {name}; write that")
    value = entry.value
    if new in _LISTS and isinstance(value, Scalar) and not value.is_null:
        value = Sequence(value.origin, (value,))
    return placed(root, new, Entry(entry.origin, value))
