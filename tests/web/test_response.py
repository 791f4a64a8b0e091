"""Header lines: no text ends its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.web.response import Piece, Response, header_lines


def test_lines_are_rendered_in_order() -> None:
    assert header_lines(("A", "b"), ("C", "\xe9")) == b"A: b\r\nC: \xe9\r\n"


@pytest.mark.parametrize(
    "text",
    ["a\r\nX: y", "a\n", "\r", "\n", "a\0", "\r\n", "\n\r", "\x0b", "\x1b[2J", "\x7f"],
)
def test_a_value_that_would_end_its_line_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        header_lines(("A", text))
    with pytest.raises(ValueError, match="line break"):
        header_lines((text, "a"), ("B", "c"))


@given(st.lists(st.tuples(st.just("A"), st.text(max_size=20)), max_size=4))
def test_there_are_as_many_lines_as_headers(pairs: list[tuple[str, str]]) -> None:
    try:
        lines = header_lines(*pairs)
    except ValueError:
        return
    assert lines.count(b"\r\n") == len(pairs)
    assert lines.count(b"\n") == lines.count(b"\r") == len(pairs)


class Closed:
    """Content that counts how often it was closed."""

    size = 10
    held = None
    times = 0

    def fileno(self) -> int | None:
        return None

    async def read(self, offset: int, length: int) -> bytes:
        return bytes(range(10))[offset : offset + length]

    def close(self) -> None:
        self.times += 1


def test_the_length_is_that_of_what_is_sent() -> None:
    content = Closed()
    pieces = [b"abc", Piece(content, 2, 5), b""]
    assert Response(200, segments=pieces).length == 8
    assert Response(200, body=b"abcd").length == 4
    assert Response(204).length == 0


def test_closing_lets_go_of_the_content() -> None:
    content = Closed()
    Response(200, content=content).close()
    assert content.times == 1
    Response(200).close()
