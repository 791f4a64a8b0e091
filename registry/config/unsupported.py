"""Options that are understood and checked, but refused when they are used.

Better than to start without what the operator relies on. A version that brings one of
them takes its line out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from registry.config.log import LogHook
from registry.config.middleware import Layer
from registry.config.notifications import Endpoint
from registry.config.tls import LetsEncrypt


def _is_set(value: object) -> bool:
    return value is not None and value != ()


def _is_redis(value: object) -> bool:
    return bool(value == "redis")


def _has_enabled(values: Sequence[LogHook | Layer | Endpoint]) -> bool:
    return any(not value.disabled for value in values)


def _is_used(letsencrypt: LetsEncrypt) -> bool:
    return letsencrypt.used


NOT_YET: Mapping[str, Callable[[Any], bool]] = {
    "auth.token": _is_set,
    "auth.htpasswd": _is_set,
    "auth.silly": _is_set,
    "http.tls.clientcas": _is_set,
    "http.tls.letsencrypt": _is_used,
    "log.hooks": _has_enabled,
    "middleware.registry": _has_enabled,
    "middleware.repository": _has_enabled,
    "middleware.storage": _has_enabled,
    "notifications.endpoints": _has_enabled,
    "policy.repository.classes": _is_set,
    "proxy.remoteurl": _is_set,
    "redis.addrs": _is_set,
    "storage.azure": _is_set,
    "storage.cache.blobdescriptor": _is_redis,
    "storage.gcs": _is_set,
    "storage.s3": _is_set,
    "storage.s3aws": _is_set,
}
"""By dotted key: whether a value of the option means that it is used."""
