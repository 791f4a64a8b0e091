"""The deadlines of one connection: what it waits for, and whether that takes too long.

A connection waits for one thing at a time: that its client takes an answer, sends the
rest of a body, sends the rest of a head, or asks again. Nothing is late while it is our
own doing, such as a body that a slow disk cannot take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.web.body import BodyBroken
from registry.web.limits import Limits
from registry.web.pace import Pace

if TYPE_CHECKING:
    from registry.web.channel import Channel


class Deadlines:
    """Watches over ``channel``; to be asked about once a second."""

    __slots__ = ("_channel", "_limits", "_sending")

    def __init__(self, *, channel: Channel, limits: Limits) -> None:
        self._channel = channel
        self._limits = limits
        self._sending: Pace | None = None

    def check(self, now: float) -> None:
        """Act on what takes too long."""
        channel = self._channel
        if channel.wire.is_sending:
            self._check_sending(now)
            return
        self._sending = None
        if not channel.arrivals.body.is_complete:
            if not channel.reading.is_paused and channel.arrivals.is_body_late(now):
                self._body_is_late()
        elif not channel.is_serving:
            self._check_waiting(now)

    def _check_sending(self, now: float) -> None:
        """Check a client that takes its answer more slowly than we send it."""
        taken, limits = self._channel.wire.taken, self._limits
        if self._sending is None:
            self._sending = Pace(now, taken)
        elif self._sending.is_late(
            now, taken, timeout=limits.send_timeout, rate=limits.send_rate
        ):
            self._channel.abort()

    def _check_waiting(self, now: float) -> None:
        """Check a connection from which the next request, or the rest of it, is due."""
        channel = self._channel
        arrivals, site = channel.arrivals, channel.site
        if arrivals.head_started is None:
            if now - arrivals.last_received > site.idle_timeout:
                channel.close()
        elif now - arrivals.head_started > site.head_timeout:
            channel.head_is_late()

    def _body_is_late(self) -> None:
        channel = self._channel
        body = channel.arrivals.body
        if body.is_awaited:
            channel.arrivals.stop(BodyBroken(_late(contested=body.is_contested)))
        elif not channel.is_serving:
            channel.abort()


def _late(*, contested: bool) -> str:
    if contested:
        return "another request goes on with this upload; ask for its offset"
    return "the body did not arrive in time"
