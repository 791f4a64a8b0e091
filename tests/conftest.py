"""What all tests share: a failure shows the logs of the programs that it used."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from registry.testing.programs import Program


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        used: dict[str, Any] = getattr(item, "funcargs", {})
        for name, value in used.items():
            for program in _programs_in(value):
                report.sections.append((f"log of {name}", program.log()))
    return report


def _programs_in(value: object) -> list[Program]:
    """A fixture is a program or a list of them, or has started some: ``programs``."""
    if isinstance(value, Program):
        return [value]
    started = value if isinstance(value, list) else getattr(value, "programs", [])
    if not isinstance(started, list):
        return []
    return [program for program in started if isinstance(program, Program)]
