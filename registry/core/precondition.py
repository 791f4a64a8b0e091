"""Preconditions: whether a request still holds, given the entity tag of what is here.

Entity tags are digests in quotes. Distribution also took the bare digest, so it counts
here too. RFC 9110 8.8.3 and 13.1.
"""

from __future__ import annotations

import re

_ENTITY_TAG = re.compile(r'(W/)?"([^"]*)"|([^\s,"]+)')


def none_match(header: str | None, etag: str | None) -> bool:
    """Whether ``If-None-Match`` lets the request go on. RFC 9110 13.1.2.

    ``etag`` is None where nothing is. The comparison is weak.
    """
    if header is None or etag is None:
        return True
    if header == etag or header.strip() == "*":
        return False
    wanted = _opaque(etag)
    return all(
        (tag[2] if tag[3] is None else tag[3]) != wanted
        for tag in _ENTITY_TAG.finditer(header)
    )


def match(header: str | None, etag: str | None) -> bool:
    """Whether ``If-Match`` lets the request go on. RFC 9110 13.1.1.

    ``etag`` is None where nothing is, which no tag matches. The comparison is strong:
    a weak entity tag on either side never matches.
    """
    if header is None:
        return True
    if etag is None:
        return False
    if header.strip() == "*":
        return True
    if etag.startswith("W/"):
        return False
    wanted = _opaque(etag)
    return any(
        tag[1] is None and (tag[2] if tag[3] is None else tag[3]) == wanted
        for tag in _ENTITY_TAG.finditer(header)
    )


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')
