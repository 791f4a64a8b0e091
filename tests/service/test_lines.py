"""Lines on their way to files, pipes and readers that are slow or gone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from registry.service.lines import BACKLOG, BATCH, RETRY, LineWriter

LINE = "x" * 99 + "\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    yield reading, writing
    os.close(reading)
    os.close(writing)


@pytest.fixture
def said() -> Iterator[list[str]]:
    texts: list[str] = []

    def observe(event: dict[str, object]) -> None:
        texts.append(str(event["log_format"]).format(**event))

    globalLogPublisher.addObserver(observe)  # type: ignore[arg-type]
    yield texts
    globalLogPublisher.removeObserver(observe)  # type: ignore[arg-type]


def everything(reading: int) -> bytes:
    parts = []
    while True:
        try:
            parts.append(os.read(reading, 1 << 20))
        except BlockingIOError:
            return b"".join(parts)


def test_the_lines_of_a_turn_are_written_together_at_its_end(tmp_path: Path) -> None:
    clock = Clock()
    with (tmp_path / "access.log").open("wb") as file:
        lines = LineWriter(descriptor=file.fileno(), clock=clock)
        lines.add("one\n")
        lines.add("two\n")
        assert (tmp_path / "access.log").read_bytes() == b""
        clock.advance(0)
    assert (tmp_path / "access.log").read_bytes() == b"one\ntwo\n"
    assert not clock.getDelayedCalls()


def test_a_long_turn_writes_in_between(tmp_path: Path) -> None:
    with (tmp_path / "access.log").open("wb") as file:
        lines = LineWriter(descriptor=file.fileno(), clock=Clock())
        for _ in range(BATCH // len(LINE) + 1):
            lines.add(LINE)
        assert (tmp_path / "access.log").stat().st_size >= BATCH


def test_a_pipe_that_nobody_reads_does_not_stop_us(pipe: tuple[int, int]) -> None:
    clock = Clock()
    reading, writing = pipe
    lines = LineWriter(descriptor=writing, clock=clock)
    for _ in range(5000):  # half a megabyte; a pipe holds 64 KiB
        lines.add(LINE)
    clock.advance(0)
    got = everything(reading)
    assert 0 < len(got) < 5000 * len(LINE)
    while clock.getDelayedCalls():
        clock.advance(RETRY)
        got += everything(reading)
    assert got == 5000 * LINE.encode()


def test_pieces_of_a_pipe_end_at_the_end_of_a_line(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    clock = Clock()
    lines = LineWriter(descriptor=writing, clock=clock)
    for _ in range(5000):
        lines.add(LINE)
    clock.advance(0)
    assert everything(reading).endswith(b"\n")


def test_it_is_said_how_many_lines_a_slow_reader_lost(
    pipe: tuple[int, int], said: list[str]
) -> None:
    clock = Clock()
    reading, writing = pipe
    lines = LineWriter(descriptor=writing, clock=clock)
    count = 2 * BACKLOG // len(LINE)
    for _ in range(count):
        lines.add(LINE)
    got = b""
    while clock.getDelayedCalls():
        clock.advance(RETRY)
        got += everything(reading)
    lost = count - got.count(b"\n")
    assert got == LINE.encode() * (count - lost)
    assert len(got) <= BACKLOG + 2 * BATCH
    (text,) = said
    assert text.startswith(f"{lost} lines of the access log were lost")


def test_it_is_said_once_that_the_reader_has_gone(said: list[str]) -> None:
    clock = Clock()
    reading, writing = os.pipe()
    os.close(reading)
    lines = LineWriter(descriptor=writing, clock=clock)
    for _ in range(3):
        lines.add(LINE)
        clock.advance(0)
    os.close(writing)
    assert len([text for text in said if "cannot be written" in text]) == 1
    assert not clock.getDelayedCalls()


def test_closing_writes_what_is_left(tmp_path: Path) -> None:
    clock = Clock()
    with (tmp_path / "access.log").open("wb") as file:
        lines = LineWriter(descriptor=file.fileno(), clock=clock)
        lines.add("last words\n")
        lines.close()
    assert (tmp_path / "access.log").read_bytes() == b"last words\n"
    assert not clock.getDelayedCalls()


def test_closing_does_not_wait_for_ever(pipe: tuple[int, int]) -> None:
    _, writing = pipe
    lines = LineWriter(descriptor=writing, clock=Clock())
    for _ in range(2000):
        lines.add(LINE)
    lines.close(patience=0.01)
