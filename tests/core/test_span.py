from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.span import Span, Unsatisfiable, range_applies, select_spans

SIZE = 40
ETAG = '"sha256:abc"'

positions = st.integers(0, SIZE + 5)
specs = (
    st.tuples(positions, positions).map(lambda pair: f"{min(pair)}-{max(pair)}")
    | positions.map(lambda first: f"{first}-")
    | positions.map(lambda length: f"-{length}")
)
headers = st.lists(specs, min_size=1, max_size=6).map(lambda s: "bytes=" + ", ".join(s))


def selected_bytes(header: str, size: int) -> set[int]:
    """The positions that a well-formed header names, found one by one."""
    wanted: set[int] = set()
    for spec in header.removeprefix("bytes=").split(","):
        first, _, last = spec.strip().partition("-")
        if not first:
            wanted |= set(range(size)[-int(last) :]) if int(last) else set()
        else:
            end = int(last) + 1 if last else size
            wanted |= {
                position for position in range(size) if int(first) <= position < end
            }
    return wanted


@given(headers, st.integers(1, SIZE))
def test_spans_cover_exactly_the_bytes_asked_for(header: str, size: int) -> None:
    wanted = selected_bytes(header, size)
    if not wanted:
        with pytest.raises(Unsatisfiable):
            select_spans(header, size)
        return
    spans = select_spans(header, size)
    assert spans is not None
    sent = [p for span in spans for p in range(span.first, span.last + 1)]
    assert set(sent) == wanted
    assert len(sent) == len(wanted), "no byte is sent twice"


@given(
    st.text(st.sampled_from("bytes=0123456789-, \t*x"), max_size=30),
    st.integers(0, SIZE),
)
def test_no_header_is_an_error_or_makes_an_answer_longer(text: str, size: int) -> None:
    for header in (text, "bytes=" + text):
        try:
            spans = select_spans(header, size)
        except Unsatisfiable as refusal:
            spans = None
            size = refusal.size
        if spans is not None:
            assert spans
            assert all(span.length > 0 and span.last < size for span in spans)
            assert sum(span.length for span in spans) <= size


@pytest.mark.parametrize(
    ("header", "spans"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-", [(0, 100)]),
        ("bytes=10-19", [(10, 10)]),
        ("BYTES=10-19", [(10, 10)]),
        ("bytes=90-200", [(90, 10)]),
        ("bytes=-10", [(90, 10)]),
        ("bytes=-200", [(0, 100)]),
        ("bytes=50-59,0-9", [(50, 10), (0, 10)]),
        ("bytes=0-9, ,20-29,", [(0, 10), (20, 10)]),
        ("bytes=0-9,5-19", [(0, 20)]),
        ("bytes=0-9,200-300", [(0, 10)]),
        ("bytes=0-1,5-4", [(0, 2)]),
        ("bytes=0-,0-,0-", [(0, 100)]),
        ("bytes=0-" + "9" * 40, [(0, 100)]),
        ("bytes=0-99", [(0, 100)]),
    ],
)
def test_ranges_of_a_hundred_bytes(header: str, spans: list[tuple[int, int]]) -> None:
    assert select_spans(header, 100) == [Span(*span) for span in spans]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=a-b",
        "bytes=0-1-2",
        "bytes=1",
        "bytes=+1-2",
        "bytes= 0 - 5",
        "bytes =0-5",
        "bytes 0-5",
        "lines=0-5",
        "bytes=0-" + "9" * 5000,
        "bytes=\uff10-\uff15",
    ],
    ids=lambda header: repr(header)[:20],
)
def test_what_is_malformed_or_unknown_is_ignored(header: str | None) -> None:
    assert select_spans(header, 100) is None


@pytest.mark.parametrize(
    "header",
    ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=5-4", "bytes=500-0"],
)
def test_a_range_that_holds_nothing_of_the_content_is_unsatisfiable(
    header: str,
) -> None:
    with pytest.raises(Unsatisfiable, match="100 bytes") as refused:
        select_spans(header, 100)
    assert refused.value.size == 100


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-5", "bytes=7-9"])
def test_empty_content_is_always_sent_whole(header: str) -> None:
    assert select_spans(header, 0) is None


def test_too_many_ranges_mean_the_whole() -> None:
    def asking_for(count: int) -> str:
        return "bytes=" + ",".join(f"{2 * n}-{2 * n}" for n in range(count))

    assert len(select_spans(asking_for(32), 10_000) or []) == 32
    assert select_spans(asking_for(33), 10_000) is None
    assert select_spans(asking_for(3000), 10_000) is None
    assert select_spans(asking_for(3), 10_000, limit=2) is None


@pytest.mark.parametrize(
    ("if_range", "applies"),
    [
        (None, True),
        (ETAG, True),
        (f" {ETAG} ", True),
        (f"W/{ETAG}", False),
        ('"sha256:other"', False),
        ("Sat, 29 Oct 1994 19:43:31 GMT", False),
        ("", False),
    ],
)
def test_a_range_applies_only_to_the_content_that_the_client_has(
    if_range: str | None, applies: bool
) -> None:
    assert range_applies(if_range, ETAG) is applies


def test_a_weak_entity_tag_never_lets_a_range_apply() -> None:
    assert not range_applies(f"W/{ETAG}", f"W/{ETAG}")


def test_a_span_knows_its_last_byte() -> None:
    assert re.fullmatch(r"10-19", f"{Span(10, 10).first}-{Span(10, 10).last}")
