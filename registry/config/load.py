"""From a file and the environment to the options of the registry."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC

import attrs

from registry.config.decode import decode
from registry.config.effect import warn_of_no_effect
from registry.config.environment import PATH_VARIABLE, override
from registry.config.errors import ConfigError, Origin, Problem, Report
from registry.config.legacy import modernised
from registry.config.parse import MAX_BYTES, parse
from registry.config.schema import Configuration
from registry.config.shape import section_of
from registry.config.tree import Mapping, Node, describe
from registry.config.unsupported import NOT_YET

DEFAULTS = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: ./registry-data
http:
  addr: 127.0.0.1:5000
"""
"""What is in effect without a file."""

DEFAULTS_SOURCE = "built-in defaults"


def load_config(path: str | None, environment: MappingABC[str, str]) -> Configuration:
    """The configuration in the file at ``path``, overridden by ``environment``.

    Without a path, ``REGISTRY_CONFIGURATION_PATH`` names the file; without that, there
    is none, and ``DEFAULTS`` stand for it. Raises ConfigError with all that is wrong.
    """
    path = path or environment.get(PATH_VARIABLE) or None
    if path is None:
        return read_config(DEFAULTS, DEFAULTS_SOURCE, environment)
    return read_config(_content(path), path, environment)


def default_configuration() -> Configuration:
    """What is in effect without a file and without variables."""
    return load_config(None, {})


def read_config(
    text: bytes | str, source: str, environment: MappingABC[str, str]
) -> Configuration:
    """The configuration that ``text`` spells. ``source`` names it in messages."""
    report = Report()
    root = _root(parse(text, source, report), source, report)
    node = override(root, environment, report)
    if isinstance(node, Mapping):
        node = modernised(node, report)
        warn_of_no_effect(node, report)
    configuration = decode(section_of(Configuration), node, report, NOT_YET)
    if report.problems or not isinstance(configuration, Configuration):
        raise ConfigError(report.problems)
    return attrs.evolve(configuration, source=source, warnings=tuple(report.warnings))


def _root(node: Node | None, source: str, report: Report) -> Mapping:
    if isinstance(node, Mapping):
        return node
    origin = node.origin if node is not None else Origin(source, 1, 1)
    found = describe(node) if node is not None else "nothing"
    report.error(origin, "", f"holds {found}; it must begin with version: 0.1")
    raise ConfigError(report.problems)


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "it is not a file"
    except ValueError:
        reason = "its name holds a zero byte"
    message = f"cannot be read: {reason}; name a configuration file that can be"
    raise ConfigError([Problem(Origin(path), "", message)])
