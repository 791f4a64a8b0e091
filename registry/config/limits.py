"""Options of ``http.limits`` and ``http.timeouts``: what one connection may cost."""

from __future__ import annotations

from typing import Annotated

import attrs

from registry.config.kinds import Ours, Positive, Seconds, size


@attrs.frozen(kw_only=True)
class Limits:
    """How much a client may send before a request is refused."""

    header: Annotated[int, Ours, size(at_least=1024)] = 32 * 1024
    """All header lines of a request together; more is answered 431."""
    headers: Annotated[Positive, Ours] = 100
    """The number of header lines; more are answered 431."""
    url: Annotated[int, Ours, size(at_least=256)] = 8 * 1024
    """The path and query of a request; more is answered 414."""


@attrs.frozen(kw_only=True)
class Timeouts:
    """How long a client may take before its connection is closed; 0 means for ever."""

    header: Annotated[Seconds, Ours] = 30.0
    """From the first byte of a request to the end of its header lines."""
    idle: Annotated[Seconds, Ours] = 120.0
    """Between two requests on one connection."""
    body: Annotated[Seconds, Ours] = 60.0
    """Without a byte of a request's body, or with less than 1 KiB/s over as long; \
answered 408."""
    send: Annotated[Seconds, Ours] = 60.0
    """Without a byte of an answer taken by the client."""
