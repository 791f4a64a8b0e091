"""Going on with a coroutine that was begun without a Deferred."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any

from twisted.internet.defer import Deferred


@coroutine
def resumed(
    begun: Coroutine[Any, Any, None], waiting: Deferred[Any]
) -> Generator[Any, Any, None]:
    """Go on with ``begun``, which has already yielded ``waiting``."""
    try:
        while True:
            try:
                result = yield waiting
            except Exception as error:  # noqa: BLE001 - it is the coroutine's to see
                waiting = begun.throw(error)
            else:
                waiting = begun.send(result)
    except StopIteration:
        return
