"""What of a new configuration takes effect while the registry runs.

The table in ``docs/operating.md``, "Stopping and reloading", says the same.
"""

from __future__ import annotations

import attrs

from registry.config.difference import differing, keeping
from registry.config.schema import Configuration

AT_ONCE = (
    *("log.level", "log.formatter", "log.fields", "log.reportcaller"),
    "log.accesslog",
    *("http.host", "http.relativeurls", "http.secret", "http.draintimeout"),
    *(
        "http.headers",
        "http.trustedproxies",
        "http.proxyheader",
        "http.limits",
        "http.timeouts",
    ),
    "http.tls",
    *("storage.delete", "storage.maintenance", "storage.filesystem.reserve"),
    *("health", "catalog", "tags", "validation"),
)
"""Keys, with all that is below them, that need no restart."""


@attrs.frozen(kw_only=True)
class Change:
    """What becomes of a new configuration: ``config`` is what is in effect now."""

    config: Configuration
    changed: list[str]
    """Dotted keys that have another value now."""

    waiting: list[str]
    """Dotted keys that will have another value after a restart."""


def change(old: Configuration, new: Configuration) -> Change:
    """``new`` where that needs no restart, and ``old`` elsewhere."""

    def waits(key: str) -> bool:
        return not _is_at_once(key, old, new)

    keys = differing(old, new)
    return Change(
        config=keeping(new, old, waits),
        changed=[key for key in keys if not waits(key)],
        waiting=[key for key in keys if waits(key)],
    )


def _is_at_once(key: str, old: Configuration, new: Configuration) -> bool:
    """Whether a port speaks TLS cannot change while it is open."""
    if key.startswith("http.tls") and old.http.tls.enabled != new.http.tls.enabled:
        return False
    return any(f"{key}.".startswith(f"{known}.") for known in AT_ONCE)
