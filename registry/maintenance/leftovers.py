"""Leftovers: what a process that ended in the middle of something leaves behind.

Ours, and Distribution's, are temporary files beside the one they were to become, and
upload sessions that never got a file for their bytes. Nothing else is ever removed: no
file under another name, no link, nothing that was touched since this process started.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from registry.storage.survey import Seen

_TEMPORARY = re.compile(
    r"(?:data|link|startedat|record\.json|store|running)"
    r"\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp"
)
_OF_A_SESSION = frozenset({"startedat", "hashstates"})


def is_leftover(seen: Seen, before: float) -> bool:
    """Whether it is a temporary file that was last touched ``before``."""
    is_ours = seen.kind == "file" and not seen.is_link
    return is_ours and seen.changed < before and bool(_TEMPORARY.fullmatch(seen.name))


def is_half_made(session: Seen, children: Sequence[Seen], before: float) -> bool:
    """Whether an upload session has no file for its bytes and belongs to nobody.

    One that is being started looks the same for a moment, so it is judged by its age.
    """
    if session.is_link or not _is_id(session.name):
        return False
    known = all(
        seen.name in _OF_A_SESSION or is_leftover(seen, before) for seen in children
    )
    return known and all(seen.changed < before for seen in [session, *children])


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
