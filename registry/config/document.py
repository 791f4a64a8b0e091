"""Makes ``docs/configuration.md`` from the declarations of the options.

``python -m registry.config.document > docs/configuration.md``
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator

from registry.config.effect import NEEDS, NEVER, needs
from registry.config.legacy import DROPPED, MOVED
from registry.config.schema import Configuration
from registry.config.shape import (
    Leaf,
    ListOf,
    MapOf,
    Option,
    Section,
    Shape,
    section_of,
)
from registry.config.unsupported import NOT_YET

INTRODUCTION = """\
# Configuration

The configuration is CNCF Distribution's `config.yml`, version 0.1: the same keys, the
same defaults, the same environment variables. Options that Distribution does not have
are marked *ours*. This page is made from `registry/config/`; `etc/registry.yml` is an
example with comments, and `registry check-config FILE` tells whether a file is right.

## Where it is read from

The file named on the command line; else the one named by `REGISTRY_CONFIGURATION_PATH`;
else none, which means content in `./registry-data`, on `127.0.0.1:5000`, without
authentication.

A key that is not an option, a key that stands twice and a value that is not valid are
errors; all of them are reported, with file, line, column and key, and the registry does
not start. Options that are marked *not yet supported* are checked like any other, and
refused when they are used.

- **text** is what is written: `no`, `0123`, `10:30` and `2024-01-01` stay as they are.
- **boolean**: `true`, `yes`, `on`, `y` or `false`, `no`, `off`, `n`.
- **integer**: `1000`, `1_000`, `0x3e8`.
- **duration**: `500ms`, `30s`, `5m`, `1h30m`, `168h`. A bare number is nanoseconds.
- **size**: bytes, or a number with `KiB`, `MiB`, `GiB` or `TiB`, such as `4MiB`.
- A key without a value leaves the option at its default.

## Environment variables

`REGISTRY_` and the keys, in upper case, joined with `_`, override what the file says:

| Variable | Sets |
|---|---|
| `REGISTRY_HTTP_ADDR=:5001` | `http.addr` |
| `REGISTRY_HTTP_HEADERS='{X-Frame-Options: [DENY]}'` | all of `http.headers` |
| `REGISTRY_HEALTH_TCP_0_ADDR=db:6379` | `addr` of the first of `health.tcp` |
| `REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED=true` | an option, however deep |
| `REGISTRY_STORAGE=inmemory` | all of `storage`, whatever the file has there |

Values are YAML. Variables are applied in the order of their names, so that
`REGISTRY_STORAGE` comes before `REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY`. Elements of
lists are counted from 0; the number after the last one appends. A variable that is not
an option is a warning, as is `REGISTRY_VERSION`.

The names that Distribution uses where its own differ from the keys work too:
`REGISTRY_HEALTH_FILECHECKERS_0_FILE`, `REGISTRY_HEALTH_HTTPCHECKERS_0_URI`,
`REGISTRY_HEALTH_TCPCHECKERS_0_ADDR`, `REGISTRY_NOTIFICATIONS_EVENTCONFIG_...`,
`REGISTRY_LOG_HOOKS_0_MAILOPTIONS_...`.
"""

IDLE_KEYS = """\
## Keys without an effect

They are checked like any other. Who writes one gets a warning, at start and from
`registry check-config`.

| Key | Why |
|---|---|
"""

OLD_KEYS = """\
## Keys of older versions

They are accepted with a warning.

| Key | What becomes of it |
|---|---|
"""


def document() -> str:
    """The whole page."""
    sections = _sections(section_of(Configuration), "", {})
    return "\n".join([INTRODUCTION, *sections, _idle_keys(), _old_keys()])


def _old_keys() -> str:
    rows = [f"| `{'.'.join(old)}` | now `{'.'.join(MOVED[old])}` |" for old in MOVED]
    rows += [_told(path, message) for path, message in DROPPED.items()]
    return OLD_KEYS + "\n".join(rows) + "\n"


def _idle_keys() -> str:
    rows = [_told(path, message) for path, message in NEVER.items()]
    rows += [_told(path, needs(needed)) for path, needed in NEEDS.items()]
    return IDLE_KEYS + "\n".join(rows) + "\n"


def _told(path: tuple[str, ...], message: str) -> str:
    return f"| `{'.'.join(path)}` | {message} |"


def _sections(
    section: Section, path: str, seen: dict[type[object], str]
) -> Iterator[str]:
    """The section's own part of the page, then those of the sections in it."""
    if section.made in seen:
        yield f"## `{path}`\n\nThe same as `{seen[section.made]}`.\n"
        return
    seen[section.made] = path
    yield _section(section, path)
    for option in section.options.values():
        inner, suffix = _section_in(option.shape)
        if inner is not None:
            below = f"{path}.{option.name}{suffix}".lstrip(".")
            yield from _sections(inner, below, seen)


def _section_in(shape: Shape) -> tuple[Section | None, str]:
    if isinstance(shape, ListOf) and isinstance(shape.item, Section):
        return shape.item, "[]"
    return (shape, "") if isinstance(shape, Section) else (None, "")


def _section(section: Section, path: str) -> str:
    title = f"## `{path}`" if path else "## The sections"
    about = inspect.cleandoc(section.made.__doc__ or "")
    lines = [title, "", about, ""]
    if section.options:
        meanings = _meanings(section.made)
        lines += ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
        for option in section.options.values():
            lines.append(_row(option, path, meanings[option.attribute]))
        lines.append("")
    return "\n".join(lines)


def _row(option: Option, path: str, meaning: str) -> str:
    key = f"{path}.{option.name}".lstrip(".").replace("[]", "")
    notes = " *Ours.*" if option.ours else ""
    notes += " *Not yet supported.*" if key in NOT_YET and _wholly(key) else ""
    default = _default(option)
    kind = _kind(option.shape)
    return f"| `{option.name}` | {kind} | {default} | {meaning}{notes} |"


def _wholly(key: str) -> bool:
    """Whether all values of an option are refused, not only some words."""
    return key != "storage.cache.blobdescriptor"


def _kind(shape: Shape) -> str:
    match shape:
        case Leaf(kind=kind):
            return kind.name
        case ListOf(item=item):
            return f"list of {_kind(item)}"
        case MapOf(name=name, value=value):
            return f"mapping of {name.name} to {_kind(value)}"
        case Section():
            return "section"
        case _:
            return "any YAML"


def _default(option: Option) -> str:
    if option.required:
        return "required"
    value = option.make_default()
    match option.shape:
        case Leaf(kind=kind) if value not in (None, ""):
            shown = kind.show(value)
            text = str(shown).lower() if isinstance(shown, bool) else str(shown)
            return f"`{text}`"
        case ListOf() if isinstance(value, tuple) and value:
            return ", ".join(f"`{each}`" for each in value)
        case _:
            return ""


def _meanings(made: type[object]) -> dict[str, str]:
    """What stands under each attribute of a class."""
    source = textwrap.dedent(inspect.getsource(made))
    body = ast.parse(source).body[0]
    found: dict[str, str] = {}
    if isinstance(body, ast.ClassDef):
        for field, text in zip(body.body, body.body[1:], strict=False):
            match field, text:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(words))),
                ):
                    found[name] = " ".join(words.split())
    return found


if __name__ == "__main__":
    sys.stdout.write(document())
