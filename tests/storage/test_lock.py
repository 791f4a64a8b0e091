"""One process writes below a root."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from registry.storage.driver import StorageFailure
from registry.storage.lock import RootHeld, hold_root

HOLD = """
import sys
from registry.storage.lock import hold_root
held = hold_root(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def other_process(root: Path) -> subprocess.Popen[bytes]:
    """A process that holds ``root`` until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_second_process_is_told_who_holds_it(tmp_path: Path) -> None:
    with other_process(tmp_path) as other:
        with pytest.raises(RootHeld) as refused:
            hold_root(str(tmp_path))
        other.communicate()
    message = str(refused.value)
    assert str(tmp_path) in message
    assert f"pid {other.pid} on {socket.gethostname()}" in message
    assert "stop that one" in message


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    with other_process(tmp_path) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
    hold_root(str(tmp_path)).close()


def test_what_is_let_go_can_be_held_again(tmp_path: Path) -> None:
    held = hold_root(str(tmp_path))
    with pytest.raises(RootHeld):
        hold_root(str(tmp_path))
    held.close()
    held.close()
    hold_root(str(tmp_path)).close()


def test_the_lock_stands_beside_the_tree_and_names_its_holder(tmp_path: Path) -> None:
    root = tmp_path / "new/root"
    (tmp_path / "new").mkdir()
    held = hold_root(str(root), source="/etc/c.yml")
    assert held.path == str(root / "_registry/lock")
    assert os.listdir(root) == ["_registry"]
    said = (root / "_registry/lock").read_text()
    assert re.fullmatch(
        rf"pid {os.getpid()} on {re.escape(socket.gethostname())},"
        r" since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, configured by /etc/c.yml\n",
        said,
    )
    held.close()


def test_the_lock_is_for_nobody_else_whatever_the_umask(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        hold_root(str(tmp_path)).close()
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "_registry/lock").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "_registry").stat().st_mode) == 0o700


def test_a_lock_that_others_could_open_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "_registry").mkdir(mode=0o755)
    lock = tmp_path / "_registry/lock"
    lock.touch(mode=0o644)
    hold_root(str(tmp_path)).close()
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    assert stat.S_IMODE(lock.parent.stat().st_mode) == 0o755


def test_what_a_lock_says_cannot_steer_a_terminal(tmp_path: Path) -> None:
    held = hold_root(str(tmp_path), source="\x1b[2J\u202efalse\n")
    with pytest.raises(RootHeld) as refused:
        hold_root(str(tmp_path))
    held.close()
    assert str(refused.value).isprintable()


def test_a_shorter_holder_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / "_registry").mkdir()
    (tmp_path / "_registry/lock").write_text("pid 1 on a-host-with-a-long-name" * 5)
    held = hold_root(str(tmp_path))
    assert (tmp_path / "_registry/lock").read_text().count("pid") == 1
    held.close()


def test_the_lock_is_never_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "_registry").mkdir()
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "_registry/lock").symlink_to(precious)
    with pytest.raises(StorageFailure, match="symbolic link"):
        hold_root(str(tmp_path))
    assert precious.read_text() == "kept"


@pytest.mark.parametrize("file", ["root", "root/_registry"])
def test_a_file_in_the_way_is_named(tmp_path: Path, file: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    with pytest.raises(StorageFailure, match=file):
        hold_root(str(tmp_path / "root"))
