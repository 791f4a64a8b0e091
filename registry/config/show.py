"""The options that are in effect, as YAML that can be loaded again, without secrets."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from registry.config.schema import Configuration
from registry.config.secret import MASK, is_secret_name
from registry.config.shape import Leaf, ListOf, MapOf, Section, Shape, section_of
from registry.config.unsupported import NOT_YET


def show(configuration: Configuration) -> str:
    """All options with their values; those that are not set are left out."""
    plain = _section(section_of(Configuration), configuration, ())
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    return text


def _plain(shape: Shape, value: object, path: tuple[str, ...]) -> object:
    match shape:
        case Section():
            return _section(shape, value, path)
        case ListOf(item=item) if isinstance(value, tuple):
            return [_plain(item, each, path) for each in value]
        case MapOf(value=inner) if isinstance(value, Mapping):
            return {
                name: MASK if is_secret_name(name) else _plain(inner, each, path)
                for name, each in value.items()
            }
        case Leaf(kind=kind):
            return kind.show(value)
        case _:
            return _free(value)


def _free(value: object) -> object:
    if isinstance(value, tuple):
        return [_free(each) for each in value]
    if isinstance(value, Mapping):
        return {
            name: MASK if is_secret_name(name) else _free(each)
            for name, each in value.items()
        }
    return value


def _section(
    section: Section, value: object, path: tuple[str, ...]
) -> dict[str, object]:
    shown: dict[str, object] = {}
    for name, option in section.options.items():
        here = (*path, name)
        held = getattr(value, option.attribute)
        if held is None or _is_idle(option.make_default(), held, here):
            continue
        masked = option.hidden and held
        shown[name] = MASK if masked else _plain(option.shape, held, here)
    return shown


def _is_idle(default: object, value: object, path: tuple[str, ...]) -> bool:
    """Whether an option is at its default and belongs to what is not yet supported."""
    key = ".".join(path)
    below = [name for name in NOT_YET if name == key or name.startswith(f"{key}.")]
    whole = key in {"redis", "proxy", "middleware", "notifications", "policy"}
    return bool(default == value and (whole or key in below))
