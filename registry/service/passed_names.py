"""Names for the sockets that were passed without any. sd_listen_fds(3).

``systemd-socket-activate`` without ``--fdname`` names none. Twisted takes passed
sockets when ``twisted.internet.endpoints`` is imported, and then only if there is a
name for each. So this is called before anything imports that.
"""

from __future__ import annotations

from collections.abc import MutableMapping


def name_passed_sockets(environment: MutableMapping[str, str]) -> None:
    """Give names to the sockets that were passed without any."""
    count = environment.get("LISTEN_FDS", "")
    if count.isdecimal() and not environment.get("LISTEN_FDNAMES"):
        names = ":".join(["unknown"] * int(count[:4]))
        environment["LISTEN_FDNAMES"] = names
