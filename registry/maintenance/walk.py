"""A walk through all repositories that nothing in the tree can stop or lead in circles.

The catalog fails when it cannot read one directory, as an answer to a client should.
Who looks for damage goes on with the next, and tells.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import attrs

from registry.core.name import NAME_LIMIT, RepositoryName
from registry.maintenance.names import name_or_none
from registry.repository.catalog import MARKS
from registry.storage.driver import Absent, StorageFailure
from registry.storage.layout import REPOSITORIES
from registry.storage.survey import Seen, Survey
from registry.storage.workers import Workers

Strange = Callable[[str, str], None]
"""Told the path of something that is no part of a repository, and what is the matter.
"""

Failed = Callable[[str, StorageFailure], None]
"""Told the path of what could not be read."""


@attrs.frozen
class _Ahead:
    path: str
    above: tuple[tuple[int, int], ...]
    """The directories on the way, to see a link that leads back."""


async def repositories(
    survey: Survey, workers: Workers, *, failed: Failed, strange: Strange
) -> AsyncIterator[RepositoryName]:
    """Every directory that is a repository, by name, those above before those below."""
    ahead = [_Ahead("", ())]
    while ahead:
        one = ahead.pop()
        place = f"{REPOSITORIES}/{one.path}" if one.path else REPOSITORIES
        try:
            children = await workers.run(survey.children, place)
        except Absent:
            continue
        except StorageFailure as failure:
            failed(place, failure)
            continue
        is_repository = bool(MARKS & {seen.name for seen in children})
        name = name_or_none(one.path) if is_repository else None
        if name is not None:
            yield name
        elif is_repository:
            strange(place, "no repository can have this name")
        below = [seen for seen in children if not seen.name.startswith("_")]
        ahead += _followed(one, below, place, strange)


def _followed(
    one: _Ahead, below: list[Seen], place: str, strange: Strange
) -> list[_Ahead]:
    """What to visit of the children of a directory, last first."""
    found: list[_Ahead] = []
    for seen in reversed(below):
        path = f"{one.path}/{seen.name}" if one.path else seen.name
        if seen.kind != "directory":
            strange(f"{place}/{seen.name}", "it is no part of a repository")
        elif seen.identity in one.above or len(path) > NAME_LIMIT:
            strange(f"{place}/{seen.name}", "it leads back, or too deep")
        else:
            found.append(_Ahead(path, (*one.above, seen.identity)))
    return found
