from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.digest import HEX_LENGTHS, Digest, new_hasher
from registry.core.errors import DigestInvalid

algorithms = st.sampled_from(sorted(HEX_LENGTHS))


@given(st.binary(max_size=200), algorithms)
def test_a_digest_survives_being_written_and_read(
    content: bytes, algorithm: str
) -> None:
    digest = Digest.of(content, algorithm)
    assert Digest.parse(str(digest)) == digest
    assert digest.hex == hashlib.new(algorithm, content).hexdigest()


@given(st.text(max_size=150))
def test_text_is_a_digest_only_if_it_is_written_back_the_same(text: str) -> None:
    try:
        digest = Digest.parse(text)
    except DigestInvalid:
        return
    assert str(digest) == text


@given(
    algorithms,
    st.integers(0, 140),
    st.text(st.sampled_from("0123456789abcdefABCDEFg \n"), min_size=1, max_size=1),
)
def test_the_hexadecimal_part_has_one_length_and_one_alphabet(
    algorithm: str, length: int, character: str
) -> None:
    valid = length == HEX_LENGTHS[algorithm] and character in "0123456789abcdef"
    if valid:
        assert Digest(algorithm, character * length).hex == character * length
    else:
        with pytest.raises(DigestInvalid):
            Digest(algorithm, character * length)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "sha256",
        "sha256:",
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 64 + "\n",
        "sha256:" + "a" * 128,
        "sha512:" + "a" * 64,
        "SHA256:" + "a" * 64,
        "md5:" + "a" * 32,
        " sha256:" + "a" * 64,
        "sha256:" + "\uff11" * 64,
        "sha256:../../" + "a" * 58,
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(DigestInvalid):
        Digest.parse(text)


def test_the_refusal_of_an_algorithm_names_those_that_work() -> None:
    with pytest.raises(DigestInvalid, match="sha256, sha384, sha512"):
        new_hasher("blake3")
    with pytest.raises(DigestInvalid, match="sha256, sha384, sha512"):
        Digest.parse("blake3:" + "a" * 64)


def test_sha256_is_canonical_and_sha512_is_not() -> None:
    assert Digest.of(b"").is_canonical
    assert not Digest.of(b"", "sha512").is_canonical
