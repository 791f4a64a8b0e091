"""What a load that cannot be trusted raises."""

from __future__ import annotations


class LoadFailed(Exception):
    """A load met errors; its reason is reported, never a number."""
