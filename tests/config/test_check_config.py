"""``registry check-config``."""

from argparse import ArgumentParser
from pathlib import Path

import pytest
from reading import BASE

from registry.cli import check_config
from registry.config.load import read_config


def run(*arguments: str) -> int:
    """The exit status of the command."""
    parser = ArgumentParser()
    check_config.add_arguments(parser)
    return check_config.run(parser.parse_args(arguments))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "c.yml"


def test_a_valid_file_is_said_to_be_valid(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(BASE + "loglevel: debug\n")
    assert run(str(file)) == 0
    said = capsys.readouterr()
    assert said.out == f"{file} is valid\n"
    assert said.err == (
        f"warning: {file}:3:1: loglevel: is the old name of log.level; write that\n"
    )


def test_each_thing_that_is_wrong_is_a_line(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(BASE + "catalog: {maxentries: x}\ntags: {maxtags: -1}\n")
    assert run(str(file)) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"{file}:3:23: catalog.maxentries: must be a whole number without leading"
        f" zeros\n{file}:4:17: tags.maxtags: must be at least 0\n"
    )


def test_the_environment_counts(
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file.write_text(BASE)
    monkeypatch.setenv("REGISTRY_LOG_LEVEL", "loud")
    assert run(str(file)) == 1
    assert capsys.readouterr().err.startswith("REGISTRY_LOG_LEVEL: log.level: must be")


def test_what_is_in_effect_can_be_shown(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = BASE + "http: {secret: hunter2, draintimeout: 5s}\n"
    file.write_text(text)
    assert run("--print", str(file)) == 0
    shown = capsys.readouterr().out
    assert "hunter2" not in shown
    again = read_config(shown, "shown", {})
    assert again.http.draintimeout == 5.0


def test_without_a_file_the_defaults_are_checked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGISTRY_CONFIGURATION_PATH", raising=False)
    assert run() == 0
    assert capsys.readouterr().out == "built-in defaults is valid\n"
