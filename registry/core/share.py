"""A part of something that can be counted: so many of it, or so many percent."""

from __future__ import annotations

import re

import attrs

_PERCENT = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,3})?) ?%")


@attrs.frozen
class Share:
    """``amount`` of the whole; with ``is_percent``, that many hundredths of it."""

    amount: float
    is_percent: bool = False

    def of(self, whole: int) -> int:
        """The part of ``whole`` that this is."""
        return int(whole * self.amount / 100) if self.is_percent else int(self.amount)


def parse_percent(text: str) -> Share | None:
    """The share that ``2%`` or ``0.5%`` is; None if ``text`` is no percentage.

    At most 99.999%, for a share that is all leaves nothing.
    """
    match = _PERCENT.fullmatch(text)
    return None if match is None else Share(float(match[1]), is_percent=True)


def format_percent(share: Share) -> str:
    """What ``parse_percent`` reads as ``share`` again."""
    return f"{share.amount:g}%"
