"""The options in effect, and the page that documents all of them."""

from pathlib import Path

import pytest
from reading import BASE, read

from registry.config.document import document
from registry.config.load import load_config
from registry.config.show import show

ROOT = Path(__file__).parents[2]


def test_the_documentation_is_what_the_options_say() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert page == document(), (
        "run: python -m registry.config.document > docs/configuration.md"
    )


@pytest.mark.parametrize("path", [str(ROOT / "etc" / "registry.yml"), None])
def test_what_is_shown_loads_as_the_same_configuration(
    path: str | None, tmp_path: Path
) -> None:
    configuration = load_config(path, {})
    shown = tmp_path / "shown.yml"
    shown.write_text(show(configuration))
    assert load_config(str(shown), {}) == configuration


def test_free_fields_are_shown_as_they_are(tmp_path: Path) -> None:
    configuration = read(BASE + "log: {fields: {a: {b: [1, x, '5']}, c: 1.5}}")
    shown = tmp_path / "shown.yml"
    shown.write_text(show(configuration))
    assert load_config(str(shown), {}).log.fields == configuration.log.fields


SECRET = "hunter2"
WITH_SECRETS = BASE + (
    f"http: {{secret: {SECRET}}}\n"
    f"redis: {{password: {SECRET}, sentinelpassword: {SECRET}}}\n"
    f"proxy: {{username: u, password: {SECRET}}}\n"
    f"log: {{hooks: [{{disabled: true, options: {{smtp: {{password: {SECRET}}}}}}}]}}\n"
    "notifications: {endpoints: [{name: a, disabled: true,"
    f" url: 'http://u:{SECRET}@x/', headers: {{Authorization: [{SECRET}]}}}}]}}\n"
    f"health: {{http: [{{uri: 'http://x/', headers: {{A: [{SECRET}]}}}}]}}\n"
    "middleware: {storage: [{name: x, disabled: true,"
    f" options: {{privatekey: {SECRET}}}}}]}}\n"
)


def test_no_secret_is_shown() -> None:
    shown = show(read(WITH_SECRETS))
    assert SECRET not in shown
    assert "secret: (hidden)" in shown
    assert "http://u:(hidden)@x/" in shown


def test_durations_and_sizes_are_shown_with_units() -> None:
    shown = show(read(BASE + "http: {draintimeout: 90s, limits: {header: 65536}}"))
    assert "draintimeout: 1m30s" in shown
    assert "header: 64KiB" in shown
