"""Contents: the bytes under each sha256, how many they are and whether they are true.

Bytes that have another digest than their place says are damage. Two looks have to agree
on it, the second one while nobody can write there. Then they are set aside
(``quarantine.py``), and from then on the content is not there: a client that asks
hears 404, and pushes it again. Should setting aside fail, for the disk is full or
read-only, the content counts as not there all the same.

Whoever writes content does it ``async with writing(stored)``, together with others who
do; whoever sets it aside is alone. Nothing else is waited for in there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress

from twisted.logger import Logger

from registry.core.digest import CANONICAL, Digest, new_hasher
from registry.core.errors import DigestInvalid
from registry.repository.cache import Cache
from registry.repository.finished import finished
from registry.repository.links import names_or_none
from registry.repository.presence import Presence
from registry.repository.quarantine import Damage, Quarantine
from registry.repository.verified import Verified
from registry.storage.driver import (
    Absent,
    Change,
    Discard,
    Driver,
    Move,
    Pace,
    Put,
    StorageFailure,
)
from registry.storage.layout import REPLACED, blob_data, replaced

EMPTY = Digest.of(b"")

EXPECTED_COST = 50
"""Bytes of memory that a length takes which a manifest tells."""


class Contents:
    """The content of all repositories.

    ``expected`` remembers by sha256 which lengths manifests tell. ``lost`` is called
    with what is not there any more, to be forgotten elsewhere.
    """

    def __init__(
        self,
        *,
        driver: Driver,
        quarantine: Quarantine,
        verified: Verified,
        expected: Cache[str, int],
    ) -> None:
        self._driver = driver
        self._writers = Presence()
        self._quarantine = quarantine
        self._verified = verified
        self._expected = expected
        self._condemned: set[str] = set()
        self._log = Logger()
        self.lost: list[Callable[[Digest], None]] = []

    def writing(self, stored: Digest) -> AbstractAsyncContextManager[None]:
        """``async with`` it: nobody sets aside this content meanwhile."""
        return self._writers.inside(stored.hex)

    def expect(self, stored: Digest, size: int) -> None:
        """A manifest says that the content has ``size`` bytes, which may be a lie."""
        self._expected.put(stored.hex, size, EXPECTED_COST)

    async def sizes(self, storeds: Sequence[Digest], *, found: str) -> list[int | None]:
        """Lengths of contents in bytes; None where nothing is, or nothing good.

        Content whose length cannot be right is read through.
        """
        sizes = await self._driver.sizes([blob_data(stored) for stored in storeds])
        return [
            None
            if size is None
            or (
                self._is_doubtful(stored, size)
                and not await self.is_true(stored, found=found)
            )
            else size
            for stored, size in zip(storeds, sizes, strict=True)
        ]

    async def read(self, stored: Digest, *, found: str) -> bytes:
        """Small content, which is true. Raises Absent."""
        content = await self._driver.read(blob_data(stored))
        if Digest.of(content) != stored:
            await self.require(stored, found=found)
            content = await self._driver.read(blob_data(stored))
        self._verified.found_true(stored)
        return content

    async def require(
        self, stored: Digest, *, found: str, pace: Pace | None = None
    ) -> None:
        """Read content through. Raises Absent unless it is there and true.

        What is damaged is set aside; ``found`` tells what was being done.
        """
        path = blob_data(stored)
        if await self._damage(path, stored, found, pace) is None:
            self._verified.found_true(stored)
            self._condemned.discard(stored.hex)
        elif not await finished(self._set_aside(path, stored, found)):
            raise Absent(path)

    async def is_true(
        self, stored: Digest, *, found: str, pace: Pace | None = None
    ) -> bool:
        """Whether content is there and true, after reading it through."""
        try:
            await self.require(stored, found=found, pace=pace)
        except Absent:
            return False
        return True

    def written(self, stored: Digest) -> None:
        """True bytes were written there."""
        self._condemned.discard(stored.hex)
        self._verified.found_true(stored)
        self._quarantine.restored(stored)

    def changes_to_take(self, source: str, stored: Digest) -> list[Change]:
        """What makes the file at ``source`` the content ``stored``, which it is."""
        return [Move(source, blob_data(stored), keep=self._keep(stored))]

    def changes_to_put(self, content: bytes, stored: Digest) -> list[Change]:
        """What writes ``content`` as the content ``stored``, which it is."""
        return [Put(blob_data(stored), content, keep=self._keep(stored))]

    async def judge_replaced(self, pace: Pace | None = None) -> None:
        """Look at what pushes have replaced: what was good goes, the rest is kept."""
        for name in await names_or_none(self._driver, REPLACED):
            with suppress(Absent, DigestInvalid):
                stored, path = Digest(CANONICAL, name), f"{REPLACED}/{name}"
                found = "a push that replaced it"
                damage = await self._damage(path, stored, found, pace)
                if damage is None:
                    await self._driver.apply([Discard(path)])
                else:
                    await self._quarantine.take(damage)

    def _keep(self, stored: Digest) -> str | None:
        """Where what a push replaces is to be kept; None if it is known to be good."""
        return None if self._verified.knows(stored) else replaced(stored)

    def _is_doubtful(self, stored: Digest, size: int) -> bool:
        if stored.hex in self._condemned:
            return True
        if size == 0:
            return stored != EMPTY
        expected = self._expected.get(stored.hex)
        is_right = expected is None or size == expected
        return not is_right and not self._verified.knows(stored)

    async def _damage(
        self, path: str, stored: Digest, found: str, pace: Pace | None = None
    ) -> Damage | None:
        """What is wrong with the bytes at ``path``, if anything. Raises Absent."""
        hasher = new_hasher(stored.algorithm)
        size = await self._driver.digest_of(path, [hasher], pace)
        actual = hasher.hexdigest()
        if actual == stored.hex:
            return None
        why = f"its {size} bytes have the digest {stored.algorithm}:{actual}"
        return Damage(stored, path, why, found)

    async def _set_aside(self, path: str, stored: Digest, found: str) -> bool:
        """Look again, alone, and set it aside; whether it was true this time."""
        async with self._writers.alone(stored.hex):
            damage = await self._damage(path, stored, found)
            if damage is None:
                return True
            self._forget(stored)
            try:
                await self._quarantine.take(damage)
            except StorageFailure as failure:
                self._condemned.add(stored.hex)
                self._log.error(
                    "{path} is damaged, {why}; it is not served any more, but could not"
                    " be set aside: {failure}",
                    path=path,
                    why=damage.why,
                    failure=str(failure),
                )
            finally:
                self._forget(stored)
        return False

    def _forget(self, stored: Digest) -> None:
        self._verified.forget(stored)
        for forget in self.lost:
            forget(stored)
