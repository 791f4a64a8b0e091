"""The catalog: which repositories there are.

A repository is any directory with a child that starts with ``_``, which no component of
a name does; and one that has nothing yet but blank upload sessions. The catalog lists
those that hold at least one manifest; an anonymous mount looks in all. Both are read by
one walk when first asked for and kept exact afterwards. What a change leaves uncertain
is looked up again before the next answer.

Spec: none; Distribution's ``/v2/_catalog``.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

from twisted.internet.defer import Deferred, DeferredLock, FirstError, gatherResults

from registry.core.errors import NameInvalid
from registry.core.name import RepositoryName
from registry.repository.blank import BlankSessions
from registry.repository.links import batches, named_below, names_or_none
from registry.storage.driver import Driver
from registry.storage.layout import REPOSITORIES, repository, revision_link, revisions

MARKS = frozenset({"_layers", "_manifests", "_uploads"})
"""Any of these in a directory makes it a repository."""

_AT_ONCE = 32
"""Directories that the walk looks at together."""


class Catalog:
    """The repositories of the registry, in memory once they were asked for."""

    def __init__(self, *, driver: Driver, blanks: BlankSessions) -> None:
        self._driver = driver
        self._blanks = blanks
        self._turn = DeferredLock()
        self._holders: dict[str, RepositoryName] | None = None
        self._names: list[str] = []
        self._doubts: set[str] = set()
        self._walking = False
        self._looking_at = ""

    async def names(self) -> Sequence[str]:
        """Names of all repositories that hold a manifest, sorted by bytes."""
        await self._settle()
        return self._names

    async def holders(self) -> Sequence[RepositoryName]:
        """All repositories, also those that hold nothing but blobs or uploads."""
        await self._settle()
        stored = (self._holders or {}).values()
        return list(dict.fromkeys([*stored, *self._blanks.holders()]))

    async def exists(self, name: RepositoryName) -> bool:
        """Whether there is such a repository."""
        return bool(self._blanks.of(name)) or await self.is_stored(name)

    async def is_stored(self, name: RepositoryName) -> bool:
        """Whether anything of it is on disk."""
        return not MARKS.isdisjoint(await names_or_none(self._driver, repository(name)))

    def added(self, name: RepositoryName) -> None:
        """``name`` holds a manifest now."""
        self.appeared(name)
        if self._holders is not None:
            self._list(name.text)

    def appeared(self, name: RepositoryName) -> None:
        """``name`` has a directory now."""
        if self._holders is not None:
            self._holders.setdefault(name.text, name)
        self._overtake(name)

    def removed(self, name: RepositoryName) -> None:
        """``name`` is gone, with all it held."""
        if self._holders is not None:
            self._holders.pop(name.text, None)
            self._unlist(name.text)
        self._overtake(name)

    def doubt(self, name: RepositoryName) -> None:
        """``name`` changed in a way that has to be looked up."""
        if self._holders is not None or self._walking:
            self._doubts.add(name.text)

    def _overtake(self, name: RepositoryName) -> None:
        """What is being read about ``name`` right now may be out of date."""
        if self._walking or self._looking_at == name.text:
            self._doubts.add(name.text)

    async def _settle(self) -> None:
        """Walk the first time; later only look at what is uncertain.

        What somebody else is looking up right now is uncertain too.
        """
        is_certain = self._holders is not None and not self._doubts
        if is_certain and not self._looking_at:
            return
        await self._turn.acquire()
        try:
            if self._holders is None:
                await self._read()
            while self._doubts:
                await self._look_up(next(iter(self._doubts)))
        finally:
            self._turn.release()

    async def _read(self) -> None:
        self._walking = True
        try:
            found = await self._walk()
        finally:
            self._walking = False
        self._holders = {text: RepositoryName(text) for text in found}
        self._names = sorted(text for text, listed in found.items() if listed)

    async def _walk(self) -> dict[str, bool]:
        """Every repository, and whether it holds a manifest."""
        found: dict[str, bool] = {}
        ahead = [""]
        while ahead:
            some, ahead = ahead[:_AT_ONCE], ahead[_AT_ONCE:]
            visits = [Deferred.fromCoroutine(self._visit(path, found)) for path in some]
            for children in await _all(visits):
                ahead += children
        return found

    async def _visit(self, path: str, found: dict[str, bool]) -> list[str]:
        """Note what is at ``path``; its children, which may be repositories too."""
        place = f"{REPOSITORIES}/{path}" if path else REPOSITORIES
        children = await names_or_none(self._driver, place)
        if path and not MARKS.isdisjoint(children):
            name = _name_or_none(path)
            if name is not None:
                found[path] = await self._holds_manifest(name)
        prefix = f"{path}/" if path else ""
        return [prefix + child for child in children if not child.startswith("_")]

    async def _look_up(self, text: str) -> None:
        name = RepositoryName(text)
        self._doubts.discard(text)
        self._looking_at = text
        try:
            there = await self.is_stored(name)
            listed = there and await self._holds_manifest(name)
        except BaseException:
            self._doubts.add(text)
            raise
        finally:
            self._looking_at = ""
        if text not in self._doubts:
            self._correct(name, there=there, listed=listed)

    def _correct(self, name: RepositoryName, *, there: bool, listed: bool) -> None:
        if there:
            self.appeared(name)
        else:
            self.removed(name)
        if listed:
            self._list(name.text)
        else:
            self._unlist(name.text)

    async def _holds_manifest(self, name: RepositoryName) -> bool:
        for batch in batches(await named_below(self._driver, revisions(name)), 100):
            paths = [revision_link(name, digest) for digest in batch]
            if any(size is not None for size in await self._driver.sizes(paths)):
                return True
        return False

    def _list(self, text: str) -> None:
        position = bisect_left(self._names, text)
        if self._names[position : position + 1] != [text]:
            insort(self._names, text)

    def _unlist(self, text: str) -> None:
        position = bisect_left(self._names, text)
        if self._names[position : position + 1] == [text]:
            del self._names[position]


async def _all(visits: list[Deferred[list[str]]]) -> list[list[str]]:
    try:
        return await gatherResults(visits, consumeErrors=True)
    except FirstError as error:
        error.subFailure.raiseException()


def _name_or_none(path: str) -> RepositoryName | None:
    """None for a directory that no client can address; it is left alone."""
    try:
        return RepositoryName(path)
    except NameInvalid:
        return None
