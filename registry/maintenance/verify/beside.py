"""What is beside the files of a store: leftovers, and what is no part of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from registry.maintenance.leftovers import is_leftover
from registry.maintenance.verify.finding import Finding, Kind, Sweep, note
from registry.storage.survey import Seen


def beside(
    place: str, children: Iterable[Seen], *, known: Collection[str], before: float
) -> Iterator[Finding]:
    """Of what is in the directory ``place``, all that is not ``known``.

    What was touched since ``before`` is nobody's leftover.
    """
    for seen in children:
        path = f"{place}/{seen.name}"
        if is_leftover(seen, before):
            message = "a temporary file that a crash left; --repair removes it"
            repair = Sweep("remove the temporary file", path)
            yield note(Kind.LEFTOVER, path, message, repair)
        elif seen.name not in known:
            yield unknown(path)


def unknown(path: str, why: str = "it is no part of a store") -> Finding:
    """Something that is none of ours."""
    return note(Kind.UNKNOWN_FILE, path, f"{why}; it is left alone")
