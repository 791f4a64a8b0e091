"""Quarantine: where damaged content is set aside, never served and never deleted.

::

    _registry/quarantine/<hex>/<time>-<id>/
      record.json       which content it was, where it stood, why it is here and since
      data              the bytes as they were found
    _registry/replaced/<hex>
                        what a push has replaced; looked at soon, then here or gone

It is on the same file system, so setting aside is a rename. The links of repositories
stay: one push of the content, to any of them, mends all. Emptying the quarantine is for
the operator.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import attrs
from twisted.logger import Logger

from registry.core.digest import CANONICAL, Digest
from registry.repository.links import batches, is_hex, names_or_none
from registry.storage.driver import Driver, Move, Put
from registry.storage.layout import QUARANTINE, blob_data, quarantined

KNOWN_LIMIT = 10_000
"""Missing contents that are told apart; beyond, they are only counted as taken."""


@attrs.frozen
class Damage:
    """Content that is not what its place says."""

    stored: Digest
    path: str
    """Where it stands."""

    why: str
    found: str
    """What was being done when it was found."""


class Quarantine:
    """Sets damaged content aside, and knows what is missing since.

    ``new_id`` makes a part of a file name.
    """

    def __init__(
        self,
        *,
        driver: Driver,
        seconds: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._driver = driver
        self._seconds = seconds
        self._new_id = new_id
        self._missing: dict[str, Digest] = {}
        self._log = Logger()
        self.taken = 0
        """How much was set aside since the start."""

    @property
    def missing(self) -> int:
        """How much was set aside and has not been pushed again."""
        return len(self._missing)

    async def take(self, damage: Damage) -> None:
        """Set it aside. Raises Absent, if it has gone, or StorageFailure."""
        now = datetime.fromtimestamp(self._seconds(), UTC)
        place = quarantined(damage.stored, f"{now:%Y%m%dT%H%M%SZ}-{self._new_id()}")
        record = attrs.asdict(damage) | {
            "stored": str(damage.stored),
            "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        }
        content = f"{json.dumps(record, indent=1)}\n".encode()
        await self._driver.apply(
            [
                Put(f"{place}/record.json", content),
                Move(damage.path, f"{place}/data"),
            ]
        )
        self.taken += 1
        if damage.path == blob_data(damage.stored):
            self._miss(damage.stored)
        self._log.error(
            "{digest} is damaged and was set aside in {place}: {why}; found by {found};"
            " push it again, or restore {path} from a backup",
            digest=str(damage.stored),
            place=place,
            why=damage.why,
            found=damage.found,
            path=damage.path,
        )

    def restored(self, stored: Digest) -> None:
        """The content was pushed again."""
        if self._missing.pop(stored.hex, None) is not None:
            self._log.info("{digest} is mended by a push", digest=str(stored))

    async def look(self) -> None:
        """Learn what earlier runs have set aside. Raises StorageFailure."""
        names = await names_or_none(self._driver, QUARANTINE)
        for some in batches([name for name in names if is_hex(CANONICAL, name)]):
            digests = [Digest(CANONICAL, name) for name in some]
            sizes = await self._driver.sizes([blob_data(digest) for digest in digests])
            for digest, size in zip(digests, sizes, strict=True):
                if size is None:
                    self._miss(digest)

    def concern(self) -> str | None:
        """What an operator should know, if anything. Anybody may read it."""
        if not self._missing:
            return None
        return (
            f"contents that were damaged and are missing now: {len(self._missing)}; the"
            f" log names them, push them again or restore them"
        )

    def names(self) -> list[str]:
        """What was set aside and has not been pushed again, for the operator."""
        return [str(digest) for digest in self._missing.values()]

    def _miss(self, stored: Digest) -> None:
        if len(self._missing) < KNOWN_LIMIT:
            self._missing[stored.hex] = stored
