"""How the tests of a storage driver carry out what they ask of it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from registry.storage.driver import Driver, Put
from registry.testing.results import result_of

T = TypeVar("T")


class Driven:
    """What all parts of ``DriverContract`` share."""

    def run(self, coroutine: Coroutine[Deferred[Any], Any, T]) -> T:
        """Carry ``coroutine`` through to its result or exception."""
        return result_of(coroutine)

    def put(self, driver: Driver, **files: bytes) -> None:
        """Store files in the directory ``d``."""
        changes = [Put(f"d/{name}", content) for name, content in files.items()]
        self.run(driver.apply(changes))
