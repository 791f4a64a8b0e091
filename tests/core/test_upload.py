from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from registry.core.digest import Digest
from registry.core.errors import (
    DigestInvalid,
    RangeInvalid,
    SizeInvalid,
    UploadInvalid,
    UploadUnknown,
)
from registry.core.upload import (
    TRANSITIONS,
    ChunkRange,
    Event,
    Phase,
    SessionId,
    Upload,
    check_chunk,
)

offsets = st.integers(0, 10**12)
GOOD, BAD = Digest.of(b"good"), Digest.of(b"bad")


@given(offsets, offsets)
def test_a_chunk_range_is_read_as_the_specification_writes_it(
    first: int, last: int
) -> None:
    chunk = ChunkRange(first, last)
    assert ChunkRange.parse(f"{first}-{last}") == chunk
    assert ChunkRange.parse(f" bytes {first}-{last}/* ") == chunk
    assert ChunkRange.parse(f"bytes {first}-{last}/{last + 1}") == chunk


@given(st.text(st.sampled_from("0123456789-/* bytes=+.\n"), max_size=12))
def test_no_other_text_is_a_chunk_range(text: str) -> None:
    plain = re.fullmatch(r"([0-9]+)-([0-9]+)", text)
    try:
        chunk = ChunkRange.parse(text)
    except UploadInvalid:
        assert plain is None
    else:
        assert f"{chunk.first}-{chunk.last}" in re.sub(r"\b0+(?=\d)", "", text)


@pytest.mark.parametrize(
    "text", ["", "-", "0-", "-5", "0--1", "a-b", "1-2-3", "\uff10-\uff11"]
)
def test_a_malformed_chunk_range_is_refused(text: str) -> None:
    with pytest.raises(UploadInvalid, match="0-99"):
        ChunkRange.parse(text)


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(UploadInvalid):
        ChunkRange.parse("0-" + "9" * 5000)


@given(offsets, st.integers(1, 10**9))
def test_the_next_chunk_is_accepted(offset: int, length: int) -> None:
    chunk = ChunkRange(offset, offset + length - 1)
    check_chunk(offset=offset, chunk=chunk, length=length)
    check_chunk(offset=offset, chunk=chunk, length=None)
    check_chunk(offset=offset, chunk=None, length=length)


@given(offsets, offsets, offsets, st.none() | offsets)
def test_a_chunk_is_judged_by_its_start_then_by_its_length(
    offset: int, first: int, last: int, length: int | None
) -> None:
    chunk = ChunkRange(first, last)
    if first != offset or last < first:
        with pytest.raises(RangeInvalid) as refused:
            check_chunk(offset=offset, chunk=chunk, length=length)
        assert refused.value.offset == offset
    elif length is not None and length != last - first + 1:
        with pytest.raises(SizeInvalid, match=str(length)):
            check_chunk(offset=offset, chunk=chunk, length=length)
    else:
        check_chunk(offset=offset, chunk=chunk, length=length)


def test_a_chunk_that_ends_before_it_starts_is_out_of_order() -> None:
    with pytest.raises(RangeInvalid, match="starts at 5"):
        check_chunk(offset=5, chunk=ChunkRange(5, 4), length=0)


@given(st.uuids())
def test_a_session_has_the_name_of_any_uuid(session: uuid.UUID) -> None:
    assert str(SessionId(str(session))) == str(session)


@given(
    st.text(max_size=40)
    | st.uuids().map(lambda u: f"{u}/..")
    | st.uuids().map(lambda u: u.hex)
)
def test_nothing_else_is_the_name_of_a_session(text: str) -> None:
    with pytest.raises(UploadUnknown):
        SessionId(text)


def test_the_name_of_a_session_has_one_spelling() -> None:
    with pytest.raises(UploadUnknown):
        SessionId("6BA7B810-9DAD-11D1-80B4-00C04FD430C8")
    with pytest.raises(UploadUnknown):
        SessionId("6ba7b810-9dad-11d1-80b4-00c04fd430c8\n")


def test_only_an_open_session_goes_anywhere() -> None:
    assert {phase for phase, _ in TRANSITIONS} == {Phase.OPEN}
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_a_digest_that_differs_ends_the_session() -> None:
    upload = Upload(size=3)
    with pytest.raises(DigestInvalid, match=str(GOOD)):
        upload.committed(BAD, GOOD, 3)
    assert upload.phase is Phase.CANCELLED


def test_a_size_that_differs_leaves_the_session_open() -> None:
    upload = Upload(size=3)
    with pytest.raises(SizeInvalid):
        upload.committed(GOOD, GOOD, 4)
    upload.received(1)
    upload.committed(GOOD, GOOD, 4)


def test_a_chunk_cannot_take_bytes_away() -> None:
    with pytest.raises(ValueError, match="-1"):
        Upload(size=3).received(-1)


class UploadModel(RuleBasedStateMachine):
    """An upload against a model: a list of chunk sizes, and whether it has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.upload = Upload(size=0)
        self.chunks: list[int] = []
        self.end: Phase | None = None

    @rule(count=st.integers(0, 10**9))
    def receive(self, count: int) -> None:
        if self.refused_once_ended(lambda: self.upload.received(count)):
            return
        self.chunks.append(count)

    @rule(good=st.booleans())
    def commit(self, good: bool) -> None:
        expected = GOOD if good else BAD

        def attempt() -> None:
            self.upload.committed(expected, GOOD, sum(self.chunks))

        if self.end is not None:
            self.refused_once_ended(attempt)
        elif good:
            attempt()
            self.end = Phase.COMMITTED
        else:
            with pytest.raises(DigestInvalid):
                attempt()
            self.end = Phase.CANCELLED

    @rule(extra=st.integers(1, 9))
    def commit_what_was_never_received(self, extra: int) -> None:
        size = sum(self.chunks) + extra
        refusal = SizeInvalid if self.end is None else UploadUnknown
        with pytest.raises(refusal):
            self.upload.committed(GOOD, GOOD, size)

    def refused_once_ended(self, attempt: object) -> bool:
        assert callable(attempt)
        if self.end is None:
            attempt()
            return False
        with pytest.raises(UploadUnknown):
            attempt()
        return True

    @invariant()
    def agrees(self) -> None:
        assert self.upload.size == sum(self.chunks)
        assert self.upload.phase is (self.end or Phase.OPEN)


test_an_upload_behaves_like_its_model = UploadModel.TestCase
