"""The strict reader of answers: what no client should have to forgive is refused."""

from __future__ import annotations

import pytest

from registry.testing.answers import MalformedAnswer, parse_answers

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\n\r\n{}"


def test_answers_are_read_in_order() -> None:
    data = (
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"HTTP/1.1 204 No Content\r\n\r\n" + OK
    )
    answers, rest = parse_answers(data)
    assert [one.status for one in answers] == [100, 200, 204, 200]
    assert [one.body for one in answers] == [b"", b"{}", b"", b"{}"]
    assert answers[1].header("a") == "b"
    assert rest == b""


def test_answers_to_head_have_no_body() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    answers, rest = parse_answers(head + OK, ["HEAD", "GET"])
    assert [one.body for one in answers] == [b"", b"{}"]
    assert rest == b""


def test_chunks_are_joined() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    [answer], rest = parse_answers(head + b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n")
    assert (answer.body, rest) == (b"abcd", b"")


@pytest.mark.parametrize("size", range(len(OK)))
def test_a_part_of_an_answer_is_left(size: int) -> None:
    answers, rest = parse_answers(OK + OK[:size])
    assert len(answers) == 1
    assert rest == OK[:size]


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense",
        b"\r\n" + OK,
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 600 ?\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\nC: d\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
    ],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse_answers(data)
