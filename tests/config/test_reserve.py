"""What the disk's reserve can be."""

import pytest
from reading import read, refused

from registry.config.show import show
from registry.core.share import Share


def reserve(text: str) -> str:
    return f"version: 0.1\nstorage: {{filesystem: {{reserve: {text}}}}}\n"


@pytest.mark.parametrize(
    ("text", "size", "inodes"),
    [
        ("{}", Share(64 * 2**20), Share(1000)),
        ("{size: 1GiB}", Share(2**30), Share(1000)),
        (
            "{size: 2.5%, inodes: 1%}",
            Share(2.5, is_percent=True),
            Share(1, is_percent=True),
        ),
        ("{size: 0, inodes: 0}", Share(0), Share(0)),
    ],
)
def test_a_reserve_is_fixed_or_a_percentage(
    text: str, size: Share, inodes: Share
) -> None:
    filesystem = read(reserve(text)).storage.filesystem
    assert filesystem is not None
    assert filesystem.reserve.size == size
    assert filesystem.reserve.inodes == inodes


@pytest.mark.parametrize("text", ["{size: 100%}", "{size: lots}", "{inodes: 1GiB}"])
def test_what_is_neither_is_refused_with_an_example(text: str) -> None:
    [problem] = refused(reserve(text))
    assert problem.startswith("c.yml:2:")
    assert "percentage such as 2%" in problem


def test_a_shown_reserve_is_read_back_as_itself() -> None:
    config = read(reserve("{size: 1.5%, inodes: 5000}"))
    assert read(show(config)) == config
