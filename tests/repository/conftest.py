"""A registry on every driver, and the means to look at what it does."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from twisted.internet.task import Clock

from registry.core.rules import ReferenceRules
from registry.repository.registry import Registry, build_registry
from registry.storage.disk import Disk
from registry.storage.driver import Driver
from registry.storage.filesystem import FilesystemDriver
from registry.storage.memory import MemoryDriver
from registry.storage.workers import Inline

Build = Callable[..., Registry]


@pytest.fixture(params=["memory", "filesystem"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    """Both drivers in turn."""
    if request.param == "memory":
        return MemoryDriver()
    return FilesystemDriver(disk=Disk(), workers=Inline(), root=str(tmp_path / "root"))


@pytest.fixture
def build() -> Build:
    """Makes a registry on a driver, as a process that just started."""
    numbers = iter(range(1, 10_000))

    def make(
        driver: Driver,
        *,
        cache_bytes: int = 16_000_000,
        small_limit: int = 1000,
        live_limit: int = 1000,
        entries: int | None = None,
        begun_share: float = math.inf,
        rules: ReferenceRules | None = None,
    ) -> Registry:
        clock = Clock()
        clock.advance(1_767_323_045.5)
        return build_registry(
            workers=Inline(),
            driver=driver,
            rules=rules or ReferenceRules(),
            clock=clock,
            new_id=lambda: str(UUID(int=next(numbers), version=4)),
            cache_bytes=cache_bytes,
            small_limit=small_limit,
            live_limit=live_limit,
            entries=entries,
            begun_share=begun_share,
        )

    return make


@pytest.fixture
def registry(driver: Driver, build: Build) -> Registry:
    """A registry on an empty store."""
    return build(driver)
