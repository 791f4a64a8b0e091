"""A registry to talk to."""

from __future__ import annotations

import pytest
from ends import Here


@pytest.fixture
def here() -> Here:
    """An empty registry that lets clients delete, in this process."""
    return Here()
