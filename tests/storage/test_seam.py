"""What the storage does to a disk goes through ``Disk.call``, where tests can fail it.

Read from the sources: what changes a file system is called nowhere but in functions
that are handed to ``call``.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import registry

PACKAGE = Path(registry.__file__).parent
PACKAGES = ("storage", "repository", "maintenance")

CHANGING = frozenset(
    {
        *("chmod", "chown", "copy_file_range", "fdatasync", "fsync", "ftruncate"),
        *("link", "makedirs", "mkdir", "open", "posix_fallocate", "pwrite", "pwritev"),
        *("remove", "removedirs", "rename", "renames", "replace", "rmdir", "symlink"),
        *("sync", "truncate", "unlink", "utime", "write", "writev"),
    }
)
"""Functions of ``os``; ``open`` because it creates."""

OTHERS = frozenset({"shutil", "tempfile", "io"})
"""Modules that would do the same behind our back."""

EXEMPT = {
    "storage/lock.py": "held before anything is served; nobody relies on its content",
    "storage/whole_sync.py": "opens the root to read, once, before anything is served",
}

SOURCES = sorted(p for name in PACKAGES for p in (PACKAGE / name).glob("*.py"))


def in_the_seam(tree: ast.AST) -> set[str]:
    """Names that are handed to a method ``call``."""
    return {
        argument.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "call"
        for argument in node.args
        if isinstance(argument, ast.Name)
    }


def breaches(tree: ast.Module) -> list[str]:
    """Calls that change a file system outside of the seam."""
    seam = in_the_seam(tree)
    return [
        f"line {node.lineno}: os.{node.func.attr}"
        for part in tree.body
        if not (isinstance(part, ast.FunctionDef) and part.name in seam)
        for node in ast.walk(part)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "os"
        and node.func.attr in CHANGING
    ]


def imported(tree: ast.Module) -> set[str]:
    """The modules that a source imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_nothing_changes_a_disk_but_through_the_seam(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not imported(tree) & OTHERS
    if f"{path.parent.name}/{path.name}" not in EXEMPT:
        assert breaches(tree) == []


def test_a_breach_would_be_found() -> None:
    source = (
        "def _f():\n    os.unlink('a')\nself.call('x', 'a', _g)\ndef _g(): os.link()"
    )
    assert breaches(ast.parse(source)) == ["line 2: os.unlink"]
