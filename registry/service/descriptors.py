"""How many files and sockets this process may have open.

A service manager gives a process few at first and lets it have more, so that programs
which count descriptors in a fixed table are safe. Twisted's reactors for Linux are not
such programs. Go's runtime does the same for Distribution.
"""

from __future__ import annotations

import resource

UNLIMITED = 1_000_000
"""The number that stands for no limit."""


def descriptor_limit() -> int:
    """The number that may be open."""
    now, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return UNLIMITED if now == resource.RLIM_INFINITY else now


def raise_descriptor_limit() -> None:
    """Have as many as this process may ask for."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
