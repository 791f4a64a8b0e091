"""The grammar of storage paths."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.storage.driver import Move, Put, Remove
from registry.storage.path import checked, checked_changes, is_listed

components = st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True).filter(
    lambda text: text not in (".", "..")
)


@given(st.lists(components, min_size=1, max_size=8))
def test_takes_every_join_of_components(parts: list[str]) -> None:
    path = "/".join(parts)
    assert checked(path) == path


@given(st.text(alphabet="./ab \\\n\0é~:", max_size=12))
def test_what_it_takes_stays_below_the_root(text: str) -> None:
    try:
        path = checked(text)
    except ValueError:
        return
    assert posixpath.normpath(f"/root/{path}") == f"/root/{path}"
    assert path.isascii()


@pytest.mark.parametrize(
    "change", [Put("../a", b""), Remove("/a"), Move("a", "b/.."), Move("a//b", "b")]
)
def test_every_path_of_a_change_is_checked(
    change: Put | Move | Remove,
) -> None:
    with pytest.raises(ValueError, match="layout"):
        checked_changes([Put("good", b""), change])


@pytest.mark.parametrize(
    ("name", "is_directory", "listed"),
    [
        ("link", False, True),
        ("link.tmp", False, False),
        ("v1.tmp", True, True),
        ("lost+found", True, False),
        ("sha256:00", False, False),
    ],
)
def test_lists_what_a_path_can_have(
    name: str, is_directory: bool, listed: bool
) -> None:
    assert is_listed(name, is_directory=is_directory) is listed
