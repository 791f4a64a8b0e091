"""Prints what the crash tests have tried."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest
from counted import summary

IN_MEMORY = "/dev/shm"


@pytest.fixture(scope="module")
def fast_path() -> Iterator[str]:
    """A directory in memory where there is one, for tests that make many trees."""
    where = IN_MEMORY if os.path.isdir(IN_MEMORY) else None
    with tempfile.TemporaryDirectory(prefix="registry-crash-", dir=where) as path:
        yield path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = summary()
    if lines:
        terminalreporter.section("crashes")
        for line in lines:
            terminalreporter.write_line(line)
