"""Link files: a path that says who holds something, a content that says what.

A link under a sha256 holds that same sha256. A link under any other digest is an alias
and holds the sha256 that the bytes are stored under. Anything else in a link (nothing,
a torn digest, a newline, another digest) is damage. Whoever asks for what it names is
told so; an answer about many leaves it out, and the log says that it did.

Distribution: storage/linkedblobstore.go; compatibility of the tree: ``layout.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from twisted.logger import Logger

from registry.core.digest import HEX_LENGTHS, Digest
from registry.core.errors import DigestInvalid
from registry.repository.damage import LinkCorrupt
from registry.storage.driver import Absent, Driver

T = TypeVar("T")

_log = Logger()

BATCH = 1000
"""Files that one worker turn looks at, so that others get their turn too."""


def link_content(digest: Digest) -> bytes:
    """What a link to ``digest`` holds: no newline, for Distribution reads it whole."""
    return str(digest).encode("ascii")


def parse_link(path: str, content: bytes, *, what: str) -> Digest:
    """The digest in the link file of ``what``. Raises LinkCorrupt."""
    try:
        return Digest.parse(content.decode("ascii"))
    except (UnicodeDecodeError, DigestInvalid):
        raise LinkCorrupt(path, what=what) from None


def stored_digest(path: str, named: Digest, content: bytes) -> Digest:
    """The sha256 that the link of ``named`` leads to. Raises LinkCorrupt."""
    target = parse_link(path, content, what=str(named))
    if not target.is_canonical or (named.is_canonical and target != named):
        raise LinkCorrupt(path, what=str(named))
    return target


def warn_of(damage: LinkCorrupt) -> None:
    """Tell the operator of a link that an answer leaves out."""
    _log.warn("{what} is left out: {damage}", what=damage.what, damage=str(damage))


async def follow(
    driver: Driver, digests: Sequence[Digest], path_of: Callable[[Digest], str]
) -> list[Digest | None]:
    """Where the links of ``digests`` lead, in one worker turn; None where is none.

    Raises LinkCorrupt, so it is for what a client asked for.
    """
    paths = [path_of(digest) for digest in digests]
    contents = await driver.read_many(paths)
    return [
        None if content is None else stored_digest(path, digest, content)
        for path, digest, content in zip(paths, digests, contents, strict=True)
    ]


async def follow_intact(
    driver: Driver, digests: Sequence[Digest], path_of: Callable[[Digest], str]
) -> list[tuple[Digest, Digest]]:
    """Every one of ``digests`` whose link leads somewhere, and where.

    A corrupt one does not, which is logged, so it is for looking through what is there.
    """
    paths = [path_of(digest) for digest in digests]
    contents = await driver.read_many(paths)
    found: list[tuple[Digest, Digest]] = []
    for path, digest, content in zip(paths, digests, contents, strict=True):
        try:
            if content is not None:
                found.append((digest, stored_digest(path, digest, content)))
        except LinkCorrupt as damage:
            warn_of(damage)
    return found


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
            links = await follow_intact(driver, batch, path_of)
            found += [digest for digest, target in links if target == stored]
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


def is_hex(algorithm: str, name: str) -> bool:
    """Whether the name of a file is the hexadecimal form of a digest."""
    try:
        Digest(algorithm, name)
    except DigestInvalid:
        return False
    return True


async def _named(driver: Driver, directory: str, algorithm: str) -> list[Digest]:
    names = await names_or_none(driver, f"{directory}/{algorithm}")
    return [Digest(algorithm, name) for name in names if is_hex(algorithm, name)]
