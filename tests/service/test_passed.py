"""A socket that was opened for the registry, as systemd does, stands for http.addr."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from registry.testing.programs import (
    Program,
    answers_on_port,
    answers_on_socket,
    free_port,
)
from registry.testing.servers import OURS, TWISTD

STARTER = """\
import os, socket, sys
addresses, *command = sys.argv[1:]
listening = []
for address in addresses.split(","):
    if address.startswith("/"):
        listening.append(socket.socket(socket.AF_UNIX))
        listening[-1].bind(address)
        listening[-1].listen()
    else:
        listening.append(socket.create_server(("127.0.0.1", int(address))))
for place, one in enumerate(listening):
    os.dup2(one.fileno(), 20 + place)
for place, _ in enumerate(listening):
    os.dup2(20 + place, 3 + place)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(listening)))
os.execv(command[0], command)
"""
"""Passes open sockets as sd_listen_fds(3) says, without names for them."""


def started(
    work: Path,
    addresses: str,
    http: str,
    environment: Mapping[str, str],
    command: Sequence[str] = OURS,
) -> Program:
    """A registry to which sockets at ``addresses`` were passed."""
    configuration = work / "c.yml"
    configuration.write_text(f"version: 0.1\nstorage: inmemory\nhttp: {http}\n")
    serve = [*command, str(configuration)]
    log = work / "log"
    return Program(
        command=[sys.executable, "-c", STARTER, addresses, *serve],
        log=str(log),
        is_ready=lambda: "no authentication" in log.read_text(),
        environment=environment,
    )


@pytest.mark.parametrize("command", [OURS, TWISTD], ids=["registry", "twistd"])
def test_one_socket_without_a_name_is_used(
    tmp_path: Path, command: Sequence[str]
) -> None:
    passed, own = free_port(), free_port()
    http = f"{{addr: '127.0.0.1:{own}'}}"
    with started(tmp_path, str(passed), http, {}, command) as program:
        assert answers_on_port(passed)
        assert not answers_on_port(own)
        assert f"listens on http://127.0.0.1:{passed}/v2/" in program.log()


def test_one_socket_with_a_name_is_used(tmp_path: Path) -> None:
    passed, own = free_port(), free_port()
    http = f"{{addr: '127.0.0.1:{own}'}}"
    names = {"LISTEN_FDNAMES": "registry.socket"}
    with started(tmp_path, str(passed), http, names) as program:
        assert f"listens on http://127.0.0.1:{passed}/v2/" in program.log()


def test_one_unix_socket_is_used(tmp_path: Path) -> None:
    path, own = str(tmp_path / "s"), free_port()
    http = f"{{addr: '127.0.0.1:{own}'}}"
    with started(tmp_path, path, http, {}):
        assert answers_on_socket(path)
        assert not answers_on_port(own)


def test_of_several_sockets_none_stands_for_the_address(tmp_path: Path) -> None:
    several, own = f"{free_port()},{free_port()}", free_port()
    http = f"{{addr: '127.0.0.1:{own}'}}"
    with started(tmp_path, several, http, {}):
        assert answers_on_port(own)


def test_the_configuration_says_which_of_several_is_meant(tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    http = "{addr: 'systemd:domain=INET:index=1'}"
    with started(tmp_path, f"{first},{second}", http, {}) as program:
        assert f"listens on http://127.0.0.1:{second}/v2/" in program.log()


def test_a_socket_for_the_operator_is_not_for_clients(tmp_path: Path) -> None:
    passed, own = free_port(), free_port()
    debug = "debug: {addr: 'systemd:domain=INET:index=0'}"
    http = f"{{addr: '127.0.0.1:{own}', {debug}}}"
    with started(tmp_path, str(passed), http, {}) as program:
        assert f"pages are at http://127.0.0.1:{passed}" in program.log()
        assert f"listens on http://127.0.0.1:{own}/v2/" in program.log()
