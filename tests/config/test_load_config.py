"""Where the configuration comes from, and that nothing in it can crash the reader."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import BASE, SOURCE

from registry.config.errors import ConfigError
from registry.config.load import load_config, read_config
from registry.config.schema import Configuration
from registry.config.shape import section_of
from registry.config.show import show

ROOT = Path(__file__).parents[2]


def problem(path: str | None, environment: dict[str, str]) -> str:
    """The one thing that is said against a file."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, environment)
    (only,) = caught.value.problems
    return str(only)


def test_the_file_that_is_named_is_read(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_text(BASE)
    configuration = load_config(str(file), {"REGISTRY_CONFIGURATION_PATH": "/none"})
    assert configuration.source == str(file)
    assert configuration.storage.inmemory is not None


def test_a_variable_names_the_file_where_nobody_else_does(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_text(BASE)
    configuration = load_config(None, {"REGISTRY_CONFIGURATION_PATH": str(file)})
    assert configuration.source == str(file)
    assert configuration.warnings == ()


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    assert problem("/no/such.yml", {}) == (
        "/no/such.yml: cannot be read: No such file or directory; name a configuration"
        " file that can be"
    )
    assert "Is a directory" in problem(str(tmp_path), {})
    assert "zero byte" in problem("a\0b", {})
    assert "is larger than 1048576 bytes" in problem("/dev/zero", {})


def test_the_example_loads_without_a_warning() -> None:
    configuration = load_config(str(ROOT / "etc" / "registry.yml"), {})
    assert configuration.warnings == ()


def test_what_the_example_leaves_out_as_default_is_the_default() -> None:
    text = (ROOT / "etc" / "registry.yml").read_text()
    configuration = read_config(text, SOURCE, {})
    assert configuration.storage.cache.size == 64 * 2**20
    assert configuration.storage.cache.blobdescriptorsize == 10_000
    assert configuration.http.limits == read_config(BASE, SOURCE, {}).http.limits
    assert configuration.http.timeouts == read_config(BASE, SOURCE, {}).http.timeouts
    assert configuration.validation == read_config(BASE, SOURCE, {}).validation


def outcome(text: str | bytes, environment: dict[str, str]) -> Configuration | None:
    """The configuration, or None if it was refused; anything else escapes."""
    with contextlib.suppress(ConfigError):
        return read_config(text, SOURCE, environment)
    return None


@settings(deadline=None)
@given(st.one_of(st.text(), st.binary()))
def test_any_text_is_a_configuration_or_refused(text: str | bytes) -> None:
    assert outcome(text, {}) is None


NAMES = sorted(
    {name for top in section_of(Configuration).options.values() for name in
     (top.name, *getattr(top.shape, "options", {}))}
)  # fmt: skip
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(["5s", "0.1", "inmemory", ":5000", "http://x", "{", "*a", "&a"]),
)
nodes = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=4
        ),
    ),
    max_leaves=12,
)


def written(node: object) -> str:
    """YAML, not always valid, that spells ``node``."""
    match node:
        case dict():
            pairs = (f"{written(key)}: {written(value)}" for key, value in node.items())
            return "{" + ", ".join(pairs) + "}"
        case list():
            return "[" + ", ".join(map(written, node)) + "]"
        case None:
            return ""
        case _:
            return str(node)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), nodes, max_size=5))
def test_any_options_are_a_configuration_or_refused(options: dict[str, object]) -> None:
    text = "\n".join(f"{name}: {written(node)}" for name, node in options.items())
    configuration = outcome(BASE + text, {})
    if configuration is not None:
        assert show(configuration)


parts = st.sampled_from(
    [*(name.upper() for name in NAMES), "0", "1", "", "X", "9" * 30]
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.lists(parts, min_size=1, max_size=5).map(
            lambda p: "REGISTRY_" + "_".join(p)
        ),
        nodes.map(written),
        max_size=6,
    )
)
def test_any_variables_are_a_configuration_or_refused(
    environment: dict[str, str],
) -> None:
    configuration = outcome(BASE, environment)
    if configuration is not None:
        assert configuration.version == "0.1"
