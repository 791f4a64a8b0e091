"""Sizes in memory and on the wire: plain bytes, or ``64KiB``, ``4MiB``, ``2GiB``."""

from __future__ import annotations

import re

UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

_SIZE = re.compile(r"([0-9]{1,18}) ?([A-Za-z]*)")
_WRITE = "write bytes, or a number with KiB, MiB, GiB or TiB, such as 4MiB"


def parse_size(text: str) -> int:
    """Bytes. Raises ValueError with a message that says what to write."""
    match = _SIZE.fullmatch(text)
    if match is None or match[2] not in UNITS:
        raise ValueError(_WRITE)
    size = int(match[1]) * UNITS[match[2]]
    if size >= 2**63:
        raise ValueError("is larger than any disk")
    return size


def format_size(size: int) -> str:
    """What ``parse_size`` reads as ``size`` again, in the largest unit that fits."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return str(size)
