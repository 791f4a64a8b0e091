"""The beginning of an upload session: from a Location to files.

The first bytes that a blank session receives bring its directory. Nothing of that is
synced yet, for most sessions become a blob in the same request, and the directory goes.
If it does not, ``confirm`` makes the start durable before the bytes are flushed.
"""

from __future__ import annotations

import attrs

from registry.core.name import RepositoryName
from registry.repository.blank import Blank, BlankSessions
from registry.repository.catalog import Catalog
from registry.repository.presence import Presence
from registry.repository.started import format_started
from registry.storage.driver import Appender, Create, Discard, Driver, Put
from registry.storage.layout import upload, upload_data, upload_started


@attrs.frozen(kw_only=True)
class Beginnings:
    """Lays down sessions in all repositories."""

    driver: Driver
    presence: Presence
    catalog: Catalog
    blanks: BlankSessions


@attrs.frozen(kw_only=True)
class Beginning:
    """Lays down one session; its caller is alone with it.

    ``told`` is the start that its client proves, in seconds of the epoch.
    """

    among: Beginnings
    name: RepositoryName
    session: str
    told: int | None = None

    def find(self) -> Blank | None:
        """The session as it is while it is blank."""
        return self.among.blanks.find(self.name, self.session)

    def recall(self) -> Blank | None:
        """The same, for a session of which nothing is on disk."""
        return self.among.blanks.find(self.name, self.session, told=self.told)

    async def lay_down(self, blank: Blank) -> Appender:
        """Make its directory and open its file, where a power cut may undo it.

        What an earlier failure left of it is no session, and goes.
        """
        started = format_started(blank.started)
        async with self.among.presence.within(self.name):
            appender = await self.among.driver.append_to(
                upload_data(self.name, self.session),
                after=[
                    Discard(upload(self.name, self.session)),
                    Create(upload_started(self.name, self.session), started),
                    Create(upload_data(self.name, self.session)),
                ],
            )
            self.among.catalog.appeared(self.name)
        self.end()
        return appender

    async def confirm(self, blank: Blank) -> None:
        """Make durable when it was started."""
        path = upload_started(self.name, self.session)
        await self.among.driver.apply([Put(path, format_started(blank.started))])

    def end(self) -> None:
        """It is blank no longer: its files tell all, or it is over."""
        self.among.blanks.end(self.name, self.session)
