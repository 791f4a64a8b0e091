"""What tests of maintenance share."""

from __future__ import annotations

from pathlib import Path

import pytest
from stores import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return open_store(tmp_path / "root")
