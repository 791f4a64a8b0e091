"""What systemd is told: ready, reloading, stopping, and a line on how it goes.

Source: sd_notify(3). Outside of a unit with ``Type=notify`` all of it does nothing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping

from twisted.logger import Logger


class Notifier:
    """Sends states to the socket at ``address``; None where nobody listens.

    Never raises and never waits: a registry that serves is worth more than the news of
    it. Trouble is logged.
    """

    def __init__(self, *, address: str | None) -> None:
        self._address = address
        self._log = Logger()

    def ready(self, status: str = "") -> None:
        """Requests are answered from now on."""
        self._send("READY=1", status)

    def reloading(self) -> None:
        """The configuration is being read anew; ``ready`` says when that has ended.

        systemd tells the end of this reload from that of another one by the time.
        """
        microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={microseconds}", "reloading")

    def stopping(self) -> None:
        """The registry has been told to stop, and is about it."""
        self._send("STOPPING=1", "stopping")

    def status(self, text: str) -> None:
        """What ``systemctl status`` shows."""
        self._send("", text)

    def _send(self, state: str, status: str) -> None:
        if self._address is None:
            return
        lines = [state] if state else []
        if status:
            lines.append("STATUS=" + " ".join(status.split()))
        address = self._address
        if address.startswith("@"):  # the abstract namespace, unix(7)
            address = "\0" + address[1:]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
                systemd.setblocking(False)
                systemd.sendto("\n".join(lines).encode("utf-8"), address)
        except OSError as error:
            self._log.warn("systemd could not be told {lines}", lines=lines, why=error)


def notifier_from(environment: Mapping[str, str]) -> Notifier:
    """The Notifier for whoever started this process."""
    return Notifier(address=environment.get("NOTIFY_SOCKET") or None)
