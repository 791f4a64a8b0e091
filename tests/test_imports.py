"""The house: who may import whom. ``docs/architecture.md`` draws it.

Every module is read, not run, so an import inside a function or under
``TYPE_CHECKING`` counts like any other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLUGINS = "twisted.plugins"

ALLOWED: dict[str, tuple[str, ...]] = {
    "core": ("core",),
    "storage": ("core", "storage"),
    "repository": (
        "core",
        "repository",
        "storage.driver",
        "storage.held",
        "storage.layout",
        "storage.workers",
    ),
    "auth": ("core", "auth"),
    "web": ("core", "repository", "web", "auth.authenticator", "storage.driver"),
    "proxy": ("core", "repository", "proxy", "storage.driver"),
    "maintenance": (
        "core",
        "repository",
        "maintenance",
        "storage.driver",
        "storage.layout",
        "storage.path",
        "storage.survey",
        "storage.workers",
    ),
    "config": ("core", "config"),
    "cli": ("service", "config", "cli"),
    PLUGINS: ("service", "config"),
}
"""What each package may import of ours. Those not named may import everything."""

FREE = {"registry", "registry.service", "registry.testing"}

HTTP = {
    "httptools": ("registry.web",),
    "twisted.web": ("registry.web", "registry.service", "registry.testing"),
}
"""Who may know HTTP."""

REACTOR = "twisted.internet.reactor"
REACTOR_STARTERS = ("registry.cli", PLUGINS)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources() -> list[Path]:
    return sorted([*ROOT.glob("registry/**/*.py"), *ROOT.glob("twisted/plugins/*.py")])


def imports(source: str, module: str, *, is_package: bool = False) -> Iterator[str]:
    """The full name of everything that ``source`` imports, names from modules too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = node.module or ""
            if node.level:
                parts = module.split(".")
                kept = len(parts) - node.level + is_package
                start = ".".join([*parts[:kept], *filter(None, [node.module])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def package_of(module: str) -> str:
    if within(module, PLUGINS):
        return PLUGINS
    return ".".join(module.split(".")[:2])


def breaches(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """What ``source``, standing at ``module``, imports against the rules."""
    package = package_of(module)
    allowed = ALLOWED.get(package.removeprefix("registry."))
    found = []
    for name in imports(source, module, is_package=is_package):
        if within(name, "registry") and allowed is not None:
            ours = [f"registry.{part}" for part in allowed]
            if name != "registry.__version__" and not any(
                within(name, p) for p in ours
            ):
                found.append(f"{module} imports {name}; may import {', '.join(ours)}")
        found += [
            f"{module} imports {name}; only {', '.join(knowing)} may"
            for library, knowing in HTTP.items()
            if within(name, library) and not any(within(module, p) for p in knowing)
        ]
        if within(name, REACTOR) and not any(
            within(module, p) for p in REACTOR_STARTERS
        ):
            found.append(f"{module} imports {name}; be given the reactor instead")
        if within(name, "twisted") and within(module, "registry.core"):
            found.append(f"{module} imports {name}; core does without Twisted")
    return found


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_a_module_imports_only_what_its_place_allows(path: Path) -> None:
    is_package = path.name == "__init__.py"
    found = breaches(path.read_text(), module_name(path), is_package=is_package)
    assert not found, "\n".join(found)


def test_every_package_has_its_rule() -> None:
    packages = {package_of(module_name(path)) for path in sources()}
    ruled = {PLUGINS, *(f"registry.{package}" for package in ALLOWED), *FREE}
    assert packages <= ruled, f"give a rule to {sorted(packages - ruled)}"
    assert "registry.core" in packages


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("registry.core.tag", "from registry.storage import layout"),
        ("registry.core.tag", "import registry.web"),
        ("registry.core.tag", "from twisted.internet.defer import Deferred"),
        ("registry.core.tag", "def f():\n    import twisted"),
        ("registry.core.tag", "from ..storage import layout"),
        ("registry.storage.disk", "from registry.repository.blobs import Blobs"),
        ("registry.repository.blobs", "from registry.storage import filesystem"),
        ("registry.repository.blobs", "import registry.storage"),
        ("registry.repository.blobs", "from registry.web import response"),
        ("registry.repository.blobs", "import twisted.web.http"),
        ("registry.auth.token", "from registry.repository import tags"),
        ("registry.web.blobs", "from registry.storage.layout import ROOT"),
        ("registry.web.blobs", "from registry.auth.htpasswd import Htpasswd"),
        ("registry.web.blobs", "from registry.drivers_of_storage import x"),
        ("registry.web.blobs", "from twisted.internet import reactor"),
        ("registry.service.app", "import twisted.internet.reactor as r"),
        ("registry.service.app", "from twisted.internet.reactor import listenTCP"),
        ("registry.service.app", "import httptools"),
        ("registry.testing.harness", "from httptools import HttpRequestParser"),
        ("registry.cli.serve", "from registry.repository.tags import Tags"),
        ("registry.config.parse", "from registry.service.app import App"),
        ("twisted.plugins.registry_dropin", "import registry.web"),
    ],
)
def test_a_breach_is_found(module: str, source: str) -> None:
    (found, *_) = breaches(source, module)
    assert found.startswith(f"{module} imports ")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("registry.core.tag", "import re, attrs\nfrom registry.core.errors import X"),
        ("registry.core.tag", "from . import errors\nfrom .errors import TagInvalid"),
        ("registry.storage.disk", "from twisted.internet.defer import Deferred"),
        ("registry.repository.tags", "from registry.storage import layout, driver"),
        ("registry.repository.tags", "from registry.storage.driver import Absent"),
        ("registry.web.blobs", "from registry.storage.driver import Content"),
        ("registry.web.blobs", "import httptools\nfrom twisted.web import server"),
        ("registry.web.blobs", "from twisted.internet.interfaces import IReactorTime"),
        ("registry.service.app", "from registry.web.tree import Root"),
        ("registry.cli.serve", "from twisted.internet import reactor"),
        ("registry.cli.version", "from registry import __version__"),
        ("twisted.plugins.registry_dropin", "from registry.service import options"),
    ],
)
def test_what_the_house_allows_is_no_breach(module: str, source: str) -> None:
    assert breaches(source, module) == []


def test_an_import_relative_to_a_package_starts_inside_it() -> None:
    source = "from .errors import TagInvalid"
    (name,) = imports(source, "registry.core", is_package=True)
    assert name == "registry.core.errors.TagInvalid"
