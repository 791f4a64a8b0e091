"""The grammar of a storage path, checked in one place for every driver.

Distribution's driver grammar: components of ``[A-Za-z0-9._-]+`` joined by ``/``. No
component is ``.`` or ``..`` and none is empty, so a path can neither be absolute nor
climb out of the root.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from registry.storage.driver import Change, Move, Put

_WRONG = re.compile(r"[^A-Za-z0-9._/-]|(?:^|/)\.{0,2}(?:/|$)")
_OUTSIDE = re.compile(r"[^A-Za-z0-9._-]")


def checked(path: str) -> str:
    """``path`` itself. Raises ValueError if it is none; that is a fault of the caller.

    Paths come from ``layout.py``, never from a client.
    """
    if _WRONG.search(path):
        raise ValueError(
            f"{path[:300]!r} is not a storage path; make paths with storage/layout.py"
        )
    return path


def checked_changes(changes: Iterable[Change]) -> Sequence[Change]:
    """``changes``, once all their paths are found good. Raises ValueError."""
    known = tuple(changes)
    for change in known:
        for path in _paths(change):
            checked(path)
    return known


def is_listed(name: str, *, is_directory: bool) -> bool:
    """Whether a directory's child is shown by ``names``.

    Not shown: files ending in ``.tmp``, which a crash leaves behind, and names that no
    path can have (``lost+found``). Directories ending in ``.tmp`` are shown, because
    that is a good name for a tag or a repository.
    """
    if _OUTSIDE.search(name):
        return False
    return is_directory or not name.endswith(".tmp")


def _paths(change: Change) -> Iterator[str]:
    if isinstance(change, Move):
        yield change.source
        yield change.target
    else:
        yield change.path
    if isinstance(change, Put | Move) and change.keep is not None:
        yield change.keep
