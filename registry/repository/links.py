"""Link files: a path that says who holds something, a content that says what.

A link under a sha256 holds that same sha256. A link under any other digest is an alias
and holds the sha256 that the bytes are stored under. Anything else in a link (nothing,
a torn digest, a newline, another digest) is damage, and is never read as absence.

Distribution: storage/linkedblobstore.go; compatibility of the tree: ``layout.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from registry.core.digest import HEX_LENGTHS, Digest
from registry.core.errors import DigestInvalid
from registry.storage.driver import Absent, Driver, StorageFailure

T = TypeVar("T")

BATCH = 1000
"""Files that one worker turn looks at, so that others get their turn too."""


class LinkCorrupt(StorageFailure):
    """A link file that does not hold what a link at its path must hold."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"the link file {path} is corrupt: it does not hold a digest that fits its"
            f" place; push or delete what it names, or restore it from a backup"
        )
        self.path = path


def link_content(digest: Digest) -> bytes:
    """What a link to ``digest`` holds: no newline, for Distribution reads it whole."""
    return str(digest).encode("ascii")


def parse_link(path: str, content: bytes) -> Digest:
    """The digest in a link file. Raises LinkCorrupt."""
    try:
        return Digest.parse(content.decode("ascii"))
    except (UnicodeDecodeError, DigestInvalid):
        raise LinkCorrupt(path) from None


def stored_digest(path: str, named: Digest, content: bytes) -> Digest:
    """The sha256 that the link of ``named`` leads to. Raises LinkCorrupt."""
    target = parse_link(path, content)
    if not target.is_canonical or (named.is_canonical and target != named):
        raise LinkCorrupt(path)
    return target


async def follow(
    driver: Driver, digests: Sequence[Digest], path_of: Callable[[Digest], str]
) -> list[Digest | None]:
    """Where the links of ``digests`` lead, in one worker turn; None where is none."""
    paths = [path_of(digest) for digest in digests]
    contents = await driver.read_many(paths)
    return [
        None if content is None else stored_digest(path, digest, content)
        for path, digest, content in zip(paths, digests, contents, strict=True)
    ]


async def stored_under(
    driver: Driver, digest: Digest, path_of: Callable[[Digest], str]
) -> Digest | None:
    """The sha256 that ``digest`` stands for, by its alias link if it needs one."""
    if digest.is_canonical:
        return digest
    [stored] = await follow(driver, [digest], path_of)
    return stored


async def named_below(driver: Driver, directory: str) -> list[Digest]:
    """Digests that have a place below ``directory``; not all need have a link."""
    digests: list[Digest] = []
    for algorithm in HEX_LENGTHS:
        digests += await _named(driver, directory, algorithm)
    return digests


async def every_name(
    driver: Driver,
    directory: str,
    stored: Digest,
    path_of: Callable[[Digest], str],
) -> list[Digest]:
    """Every digest whose link below ``directory`` leads to ``stored``, which is last.

    Empty if there is none. A link of ``stored`` that is torn counts, for its path says
    all that it should: so whoever deletes it can.
    """
    names = [*await _aliases(driver, directory, stored, path_of), stored]
    sizes = await driver.sizes([path_of(digest) for digest in names])
    return names if any(size is not None for size in sizes) else []


async def _aliases(
    driver: Driver,
    directory: str,
    stored: Digest,
    path_of: Callable[[Digest], str],
) -> list[Digest]:
    found: list[Digest] = []
    for algorithm in HEX_LENGTHS:
        if algorithm == stored.algorithm:
            continue
        for batch in batches(await _named(driver, directory, algorithm)):
            targets = await follow(driver, batch, path_of)
            pairs = zip(batch, targets, strict=True)
            found += [digest for digest, target in pairs if target == stored]
    return found


async def names_or_none(driver: Driver, path: str) -> list[str]:
    """The children of a directory that need not be there."""
    try:
        return await driver.names(path)
    except Absent:
        return []


def batches(items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """``items`` in parts of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def place_of(link: str) -> str:
    """The directory that is there for one link only, and goes with it."""
    return link.rpartition("/")[0]


async def _named(driver: Driver, directory: str, algorithm: str) -> list[Digest]:
    names = await names_or_none(driver, f"{directory}/{algorithm}")
    return [Digest(algorithm, name) for name in names if _is_hex(algorithm, name)]


def _is_hex(algorithm: str, name: str) -> bool:
    try:
        Digest(algorithm, name)
    except DigestInvalid:
        return False
    return True
