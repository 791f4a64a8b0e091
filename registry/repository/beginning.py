"""The beginning of an upload session: from a Location to files.

The first bytes that a blank session receives bring its directory. Nothing of that is
synced yet, for most sessions become a blob in the same request, and the directory goes.
If it does not, ``confirm`` makes the start durable before the bytes are flushed. So
nothing is promised of a session whose start a power cut can tear.
"""

from __future__ import annotations

from contextlib import suppress

import attrs

from registry.core.errors import UploadUnknown
from registry.core.name import RepositoryName
from registry.repository.blank import Blank, BlankSessions
from registry.repository.catalog import Catalog
from registry.repository.open_sessions import OpenSessions
from registry.repository.presence import Presence
from registry.repository.started import format_started
from registry.storage.driver import (
    Absent,
    Appender,
    Create,
    Discard,
    Driver,
    Move,
    StorageFailure,
)
from registry.storage.layout import upload, upload_data, upload_started


@attrs.frozen(kw_only=True)
class Beginnings:
    """Lays down sessions in all repositories."""

    driver: Driver
    presence: Presence
    catalog: Catalog
    begun: OpenSessions
    blanks: BlankSessions


@attrs.frozen(kw_only=True)
class Beginning:
    """Lays down one session; its caller is alone with it.

    ``told`` is what its client proves of it.
    """

    among: Beginnings
    name: RepositoryName
    session: str
    told: Blank | None = None

    def find(self) -> Blank | None:
        """The session as it is while it is blank."""
        return self.among.blanks.find(self.name, self.session)

    async def recall(self) -> Blank | None:
        """The same, for a session of which nothing is on disk.

        It is remembered again, and counts again. Raises TooManyRequests.
        """
        blanks = self.among.blanks
        blank = blanks.find(self.name, self.session, told=self.told)
        if blank is not None and self.find() is None:
            await self.among.begun.begin(self.name, self.session)
            blanks.adopt(self.name, self.session, blank)
        return blank

    async def lay_down(self, blank: Blank) -> Appender:
        """Make its directory and open its file, where a power cut may undo it.

        What an earlier failure left of it is no session, and goes. Raises UploadUnknown
        if its repository was removed meanwhile.
        """
        started = format_started(blank.started)
        async with self.among.presence.within(self.name):
            self.check(blank)
            appender = await self._made(started)
            self.among.catalog.appeared(self.name)
        self.among.blanks.end(self.name, self.session)
        return appender

    async def _made(self, started: bytes) -> Appender:
        nothing = Discard(upload(self.name, self.session))
        data = upload_data(self.name, self.session)
        files = [
            Create(upload_started(self.name, self.session), started),
            Create(data),
        ]
        try:
            return await self.among.driver.append_to(data, after=[nothing, *files])
        except StorageFailure:
            with suppress(StorageFailure):
                await self.among.driver.apply([nothing])
            raise

    async def confirm(self) -> None:
        """Make durable when it was started.

        Raises UploadUnknown, rather than begin it anew, if it was removed meanwhile.
        """
        path = upload_started(self.name, self.session)
        async with self.among.presence.within(self.name):
            try:
                await self.among.driver.apply([Move(path, path)])
            except Absent:
                raise UploadUnknown from None

    def check(self, blank: Blank) -> None:
        """Raises UploadUnknown if it was removed since ``blank`` was found."""
        if self.among.blanks.find(self.name, self.session, told=blank) is None:
            raise UploadUnknown
