"""Reading from one client: when it pauses, and how much is read at a time.

It pauses while enough of a body waits to be taken, and while much waits that was sent
ahead. What is not read stays with the client, so a slow disk or a greedy client costs
bounded memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.web.limits import Limits

if TYPE_CHECKING:
    from registry.web.channel import Channel

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Reading:
    """The Flow of the bodies that arrive on ``channel``."""

    __slots__ = (
        "_behind",
        "_body_full",
        "_channel",
        "_is_bulk",
        "_limits",
        "is_paused",
    )

    def __init__(self, *, channel: Channel, limits: Limits) -> None:
        self._channel = channel
        self._limits = limits
        self._behind = 0
        self._body_full = False
        self._is_bulk = False
        self.is_paused = False

    # What a body asks.

    def wanted(self) -> None:
        """An endpoint wants the body: let a careful client send it."""
        channel = self._channel
        arrivals = channel.arrivals
        arrivals.waited(channel.site.now())
        self._behind = 0
        self.in_bulk(True)
        self._pace()
        if arrivals.waits_for_leave and not arrivals.body.received:
            sending = channel.wire.write([CONTINUE])
            if sending is not None:
                sending.addErrback(lambda _: None)  # whoever waits for the body hears

    def pause(self) -> None:
        """Enough of the body waits to be taken."""
        self._body_full = True
        self._pace()

    def resume(self) -> None:
        """There is room for more of the body."""
        self._body_full = False
        self._pace()

    def abort(self) -> None:
        """Drop the connection."""
        self._channel.abort()

    # What the channel tells it.

    def sent_ahead(self, size: int) -> None:
        """``size`` bytes more have come behind the request that is being answered."""
        self._behind += size
        self._pace()

    def all_answered(self) -> None:
        """Nothing waits that was sent ahead."""
        self._behind = 0
        if self.is_paused != self._body_full:
            self._pace()

    def in_bulk(self, bulk: bool) -> None:
        """Read much at a time, which suits bodies, or little, which suits others."""
        if bulk != self._is_bulk:
            self._is_bulk = bulk
            self._channel.site.read_bulk(self._channel.transport, bulk)

    def _pace(self) -> None:
        """Read from the client, or not, as the queues have room."""
        channel, limits = self._channel, self._limits
        many = len(channel.arrivals.requests) >= limits.pipelined
        should_pause = self._body_full or many or self._behind >= limits.behind
        if should_pause == self.is_paused or channel.is_closing or channel.has_ended:
            return
        self.is_paused = should_pause
        if should_pause:
            channel.transport.pauseProducing()  # type: ignore[union-attr]  # connected
        else:
            channel.arrivals.waited(channel.site.now())
            channel.transport.resumeProducing()  # type: ignore[union-attr]  # connected
