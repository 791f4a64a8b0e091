"""Answers, read from bytes as strictly as RFC 9112 allows.

What a lenient client would forgive is an error here: a stray byte between answers, a
header line with a control character, a length beside no body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import attrs

_STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [\x20-\x7e]*")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e\x80-\xff\t]*)")
_SIZE = re.compile(rb"[0-9a-fA-F]{1,16}")


class MalformedAnswer(Exception):
    """What the server sent is not HTTP/1.1."""


class Incomplete(Exception):
    """The server has not sent all of an answer yet."""


@attrs.frozen
class Answer:
    """One response. Names of headers are in lower case, in the order of their lines."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The value of the only header called ``name``; None if there is none."""
        values = self.all(name)
        if len(values) > 1:
            raise MalformedAnswer(f"{len(values)} headers are called {name}")
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """The values of all headers called ``name``."""
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the server said
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The first error code of a refusal."""
        return str(self.json["errors"][0]["code"])

    @property
    def closes(self) -> bool:
        """Whether the server announces that it will close the connection."""
        return (self.header("connection") or "").lower() == "close"


def parse_answers(
    data: bytes, methods: Sequence[str] = ()
) -> tuple[list[Answer], bytes]:
    """The answers in ``data``, and what is left after the last whole one.

    ``methods`` are those of the requests, in order; GET where they end. An interim
    answer (1xx) answers no request. Raises MalformedAnswer.
    """
    answers: list[Answer] = []
    due = list(methods)
    while data:
        try:
            answer, data = _parse_one(data, due[0] if due else "GET")
        except Incomplete:
            break
        answers.append(answer)
        if answer.status >= 200:
            del due[:1]
    return answers, data


def _parse_one(data: bytes, method: str) -> tuple[Answer, bytes]:
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        if not data.startswith(b"HTTP/1.1 "[: len(data)]):
            raise MalformedAnswer(f"no answer begins like this: {data[:40]!r}")
        raise Incomplete
    first, *lines = head.split(b"\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise MalformedAnswer(f"not a status line: {first!r}")
    answer = Answer(int(status[1]), tuple(map(_header, lines)))
    body, rest = _body(answer, rest, method)
    return attrs.evolve(answer, body=body), rest


def _header(line: bytes) -> tuple[str, str]:
    found = _HEADER.fullmatch(line)
    if found is None:
        raise MalformedAnswer(f"not a header line: {line!r}")
    return found[1].decode("ascii").lower(), found[2].strip().decode("latin-1")


def _body(answer: Answer, rest: bytes, method: str) -> tuple[bytes, bytes]:
    length, coding = answer.header("content-length"), answer.header("transfer-encoding")
    if answer.status < 200 or answer.status in (204, 304):
        if length is not None or coding is not None:
            raise MalformedAnswer(f"a {answer.status} has no body and no length")
        return b"", rest
    if length is not None and (coding is not None or not length.isdecimal()):
        raise MalformedAnswer(f"length {length!r} beside coding {coding!r}")
    if method == "HEAD":
        return b"", rest
    if coding is not None:
        return _chunks(rest)
    if length is None:
        if answer.closes:
            return rest, b""
        raise MalformedAnswer("the end of the body is not marked")
    if len(rest) < int(length):
        raise Incomplete
    return rest[: int(length)], rest[int(length) :]


def _chunks(rest: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, end, rest = rest.partition(b"\r\n")
        if not end:
            raise Incomplete
        if not _SIZE.fullmatch(size):
            raise MalformedAnswer(f"not the size of a chunk: {size!r}")
        length = int(size, 16)
        if len(rest) < length + 2:
            raise Incomplete
        if rest[length : length + 2] != b"\r\n":
            raise MalformedAnswer("a chunk does not end where it should")
        body += rest[:length]
        rest = rest[length + 2 :]
        if not length:
            return body, rest
