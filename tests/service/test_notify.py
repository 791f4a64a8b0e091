"""What systemd hears."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.service.notify import Notifier, notifier_from

Received = Callable[[], str]


@pytest.fixture(params=["file", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[str, Received]]:
    """The value of NOTIFY_SOCKET, and what has arrived there."""
    path = str(tmp_path / "notify")
    address = path if request.param == "file" else f"@registry-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address.replace("@", "\0"))
        listening.settimeout(5)
        yield address, lambda: listening.recv(4096).decode()


def test_systemd_hears_that_the_registry_is_ready(
    systemd: tuple[str, Received],
) -> None:
    address, received = systemd
    notifier_from({"NOTIFY_SOCKET": address}).ready("listening on http://[::]:5000")
    assert received() == "READY=1\nSTATUS=listening on http://[::]:5000"


def test_systemd_hears_that_the_registry_stops(systemd: tuple[str, Received]) -> None:
    address, received = systemd
    Notifier(address=address).stopping()
    assert received() == "STOPPING=1\nSTATUS=stopping"


def test_a_status_is_one_line_and_no_order(systemd: tuple[str, Received]) -> None:
    address, received = systemd
    Notifier(address=address).status("all well\nSTOPPING=1")
    assert received() == "STATUS=all well STOPPING=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}])
def test_without_systemd_nothing_happens(environment: dict[str, str]) -> None:
    notifier = notifier_from(environment)
    notifier.ready()
    notifier.status("fine")
    notifier.stopping()


def test_a_socket_that_is_gone_does_not_matter(tmp_path: Path) -> None:
    Notifier(address=str(tmp_path / "gone")).ready()


def test_systemd_hears_when_a_reload_began(systemd: tuple[str, Received]) -> None:
    address, received = systemd
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    Notifier(address=address).reloading()
    state, moment, status = received().splitlines()
    assert (state, status) == ("RELOADING=1", "STATUS=reloading")
    name, _, microseconds = moment.partition("=")
    assert name == "MONOTONIC_USEC"
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert before <= int(microseconds) <= after
