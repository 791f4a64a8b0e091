"""What was asked before is answered without waiting for anything."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pushing import LAYER, NAME, image, push_image

from registry.core.digest import Digest
from registry.core.name import Tag
from registry.repository.registry import Registry
from registry.storage.driver import Driver
from registry.testing.results import result_of

BODY = image()
LATEST = Tag("latest")
ASKED: dict[str, Callable[[Registry], Coroutine[Any, Any, Any]]] = {
    "manifest by tag": lambda r: r.manifests.get(NAME, LATEST),
    "manifest by digest": lambda r: r.manifests.get(NAME, Digest.of(BODY)),
    "blob found": lambda r: r.blobs.find(NAME, Digest.of(LAYER)),
    "small blob opened": lambda r: r.blobs.open(NAME, Digest.of(LAYER)),
    "tags": lambda r: r.tags.names(NAME),
    "referrers": lambda r: r.referrers.to(NAME, Digest.of(BODY)),
    "catalog": lambda r: r.catalog.names(),
}


class Unplugged:
    """A driver that must not be asked for anything."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the driver was asked for {name}")


class Pluggable:
    """A driver that can be exchanged under a running registry."""

    def __init__(self, driver: object) -> None:
        self.driver = driver

    def __getattr__(self, name: str) -> object:
        return getattr(self.driver, name)


@pytest.mark.parametrize("what", ASKED)
def test_a_second_answer_comes_at_once_and_from_memory(
    driver: Driver, build: Callable[..., Registry], what: str
) -> None:
    result_of(push_image(build(driver), BODY, LATEST))
    pluggable = Pluggable(driver)
    registry = build(pluggable)
    first = result_of(ASKED[what](registry))
    pluggable.driver = Unplugged()
    with pytest.raises(StopIteration) as end:
        ASKED[what](registry).send(None)
    assert end.value.value == first
