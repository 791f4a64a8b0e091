"""What a tag last pointed at, when its ``current/link`` cannot be read.

Every move of a tag writes the index entry first and then the current link. So the entry
that was written last is what the current link says, or was about to say. That is only
taken for the truth if one entry was certainly last: after a restore that gave all files
the same time it is not, and then the tag is damaged until somebody pushes it.

An entry counts by its path, which names its digest, whatever is in it.
"""

from __future__ import annotations

from functools import partial

from registry.core.digest import Digest
from registry.core.name import RepositoryName, Tag
from registry.repository.links import batches, named_below
from registry.storage.driver import Driver
from registry.storage.layout import tag_index, tag_indexes


async def newest_entry(driver: Driver, name: RepositoryName, tag: Tag) -> Digest | None:
    """The entry of the tag's index that was written last, if one certainly was."""
    path_of = partial(tag_index, name, tag)
    newest: list[tuple[int, Digest]] = []
    for batch in batches(await named_below(driver, tag_indexes(name, tag))):
        times = await driver.written([path_of(digest) for digest in batch])
        found = zip(times, batch, strict=True)
        newest += [(time, digest) for time, digest in found if time is not None]
        newest = sorted(newest)[-2:]
    is_certain = len(newest) == 1 or (len(newest) == 2 and newest[0][0] < newest[1][0])
    return newest[-1][1] if is_certain else None
