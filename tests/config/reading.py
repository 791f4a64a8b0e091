"""Reads configurations from texts, for the tests of this directory."""

from collections.abc import Mapping

import pytest

from registry.config.errors import ConfigError
from registry.config.load import read_config
from registry.config.schema import Configuration

SOURCE = "c.yml"
BASE = "version: 0.1\nstorage: inmemory\n"
"""The shortest configuration; what is appended to it starts in line 3."""


def read(text: str, environment: Mapping[str, str] | None = None) -> Configuration:
    """The configuration that a whole text spells."""
    return read_config(text, SOURCE, environment or {})


def refused(text: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """Everything that is said against a text, which must be refused."""
    with pytest.raises(ConfigError) as caught:
        read(text, environment)
    return [str(problem) for problem in caught.value.problems]


def warned(text: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """Every warning about a text, which must be accepted."""
    return [str(warning) for warning in read(text, environment).warnings]
