"""Torn links: files called ``link`` that do not hold what their path says.

Looked for by length first: a link has always 71 bytes, but for those of a tag's history
under another algorithm. One that has the right length was written whole, unless it was
written shortly before a power cut: some file systems then give it its length and zeros.
So recent ones are read.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from registry.core.digest import CANONICAL, HEX_LENGTHS
from registry.maintenance.links import content_of
from registry.storage.driver import Absent
from registry.storage.survey import Seen, Survey

_LENGTHS = {
    algorithm: len(f"{algorithm}:") + length
    for algorithm, length in HEX_LENGTHS.items()
}
"""Bytes of a whole link that holds a digest of the algorithm."""


@attrs.define
class LinksSeen:
    """What a look at some links found."""

    torn: list[str] = attrs.Factory(list)
    """Names of the directories whose link is torn."""

    others: list[tuple[str, Seen]] = attrs.Factory(list)
    """All beside the links: each with the path of its directory."""


def look_at_links(
    survey: Survey, directory: str, names: Sequence[str], *, since: float, own: bool
) -> LinksSeen:
    """Look at the links of ``names`` in ``directory``, whose last part is an algorithm.

    A link of ``own`` names has their digest in it, whatever the algorithm; another one
    has a sha256. For ``current`` of a tag, any digest is right. Blocks.
    """
    found = LinksSeen()
    algorithm = directory.rpartition("/")[2]
    for name in names:
        place = f"{directory}/{name}"
        try:
            children = survey.children(place)
        except Absent:
            continue  # deleted meanwhile
        for seen in children:
            if seen.name != "link":
                found.others.append((place, seen))
            elif _is_torn(survey, place, seen, f"{algorithm}:{name}", since, own):
                found.torn.append(name)
    return found


def is_torn(survey: Survey, path: str, *, since: float) -> bool:
    """Whether the link of a tag at ``path`` is torn. Blocks."""
    seen = survey.look(path)
    if seen is None or (seen.size in _LENGTHS.values() and seen.changed < since):
        return False
    try:
        return content_of(survey, path) is None
    except Absent:
        return False


def _is_torn(
    survey: Survey, place: str, seen: Seen, named: str, since: float, own: bool
) -> bool:
    is_alias = not own and not named.startswith("sha256:")
    wanted = _LENGTHS[CANONICAL] if is_alias else len(named)
    if seen.size == wanted and seen.changed < since:
        return False
    try:
        digest = content_of(survey, f"{place}/link")
    except Absent:
        return False
    return digest is None if is_alias else str(digest) != named
