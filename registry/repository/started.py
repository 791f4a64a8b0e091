"""When an upload was started, as Distribution writes it: ``2026-01-02T03:04:05Z``."""

from __future__ import annotations

from datetime import UTC, datetime

from registry.storage.driver import StorageFailure


def format_started(seconds: float) -> bytes:
    """The content of ``startedat`` for a time in seconds of the epoch."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime(_FORMAT).encode("ascii")


def parse_started(path: str, content: bytes) -> float:
    """The time that the ``startedat`` at ``path`` holds, in seconds of the epoch.

    Raises StorageFailure if it holds none.
    """
    try:
        moment = datetime.fromisoformat(content.decode("ascii"))
    except ValueError:
        raise StorageFailure(
            f"{path} is corrupt: it does not hold a time; cancel the upload and start"
            f" again"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def is_torn(content: bytes) -> bool:
    """Whether a power cut came before the bytes of a ``startedat`` reached the disk."""
    return not content.strip(b"\0")


_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
