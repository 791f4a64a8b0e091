"""A registry to talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ends import Here

from registry.testing.harness import calm


@pytest.fixture
def here() -> Iterator[Here]:
    """An empty registry that lets clients delete, in this process.

    A test also fails when the registry logs a failure of its own.
    """
    with calm():
        yield Here()
