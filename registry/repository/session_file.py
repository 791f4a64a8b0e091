"""The file of an upload session, opened to append when that is first needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from registry.core.errors import UploadUnknown
from registry.repository.links import place_of
from registry.storage.driver import Absent, Appender, BytesDoubted, Driver, Remove

LOST = (
    "a part of the upload may be lost, for the registry's storage failed; start a new"
    " one with POST"
)


class SessionFile:
    """At most one appender, for one who is alone with the session."""

    def __init__(self, *, driver: Driver, path: str) -> None:
        self._driver = driver
        self._path = path
        self._appender: Appender | None = None

    async def begin(self, lay_down: Callable[[], Awaitable[Appender]]) -> Appender:
        """Its end, when ``lay_down`` has made the file, which ``close`` closes."""
        self._appender = await lay_down()
        return self._appender

    async def open(self) -> Appender:
        """Its end, which ``close`` closes. Raises UploadUnknown."""
        if self._appender is None:
            try:
                self._appender = await self._driver.append_to(self._path)
            except Absent:
                raise UploadUnknown from None
        return self._appender

    async def close(self, *, flush: bool) -> None:
        """Close it if it is open; see ``Appender.close``. Raises UploadUnknown.

        A session whose bytes are doubted is removed: it could never be finished.
        """
        appender, self._appender = self._appender, None
        if appender is not None:
            try:
                await appender.close(flush=flush)
            except Absent:
                raise UploadUnknown from None
            except BytesDoubted:
                await self._driver.apply([Remove(place_of(self._path))])
                raise UploadUnknown(LOST) from None
