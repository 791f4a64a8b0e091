"""Our server and Debian's docker-registry, as processes, on one directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.testing.servers import SharedDirectory


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[SharedDirectory]:
    """A storage directory of one test; whoever serves it last is stopped."""
    shared = SharedDirectory(root=str(tmp_path))
    yield shared
    shared.stop()
