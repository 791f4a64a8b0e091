"""A Unix socket in the file system, and what a registry that crashed left of one.

A socket file outlives the process that made it, and then keeps the next one from
listening. It is removed only if it is a socket and nobody answers on it.
"""

from __future__ import annotations

import os
import re
import socket
import stat

import attrs


class SocketRefused(Exception):
    """The place cannot be used; the text says what to do."""


@attrs.frozen(kw_only=True)
class UnixSocket:
    """A path, and who may connect: the file's mode. Owner and group unless said."""

    path: str
    mode: int = 0o660


def parse_unix(text: str) -> UnixSocket:
    r"""The socket that ``unix:/path:mode=660`` describes.

    The words are Twisted's (``serverFromString``); ``\:`` is a colon in a path.
    ``lockfile`` and ``backlog`` are accepted, and not needed. Raises SocketRefused.
    """
    path = ""
    said: dict[str, str] = {}
    for part in re.split(r"(?<!\\):", text)[1:]:
        key, mark, value = part.partition("=")
        if mark and key in {"address", "mode", "backlog", "lockfile"}:
            said[key] = value
        elif path:
            raise SocketRefused(
                f"{part!r} is not understood; write unix:/path:mode=660"
            )
        else:
            path = part
    path = re.sub(r"\\(.)", r"\1", said.get("address", path))
    mode = said.get("mode", "660")
    if not path or not re.fullmatch("[0-7]{3,4}", mode):
        raise SocketRefused("write unix:/path:mode=660, with an octal mode")
    return UnixSocket(path=path, mode=int(mode, 8))


def vacate(path: str) -> None:
    """Remove what a process that is gone has left at ``path``.

    Raises SocketRefused if somebody listens there or it is no socket, and OSError.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketRefused(
            "there is a file that is not a socket; remove it, or choose another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except BlockingIOError:
            raise _in_use() from None
        else:
            raise _in_use()


def _in_use() -> SocketRefused:
    return SocketRefused(
        "another process listens there; stop it, or choose another path"
    )
