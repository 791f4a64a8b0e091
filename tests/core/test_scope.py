from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.name import RepositoryName
from registry.core.route import Kind
from registry.core.scope import needed_access

NAME, SOURCE = RepositoryName("library/alpine"), RepositoryName("base/os")
PULL, PUSH = "repository:library/alpine:pull", "repository:library/alpine:push"
DELETE, FROM = "repository:library/alpine:delete", "repository:base/os:pull"

inside = [kind for kind in Kind if kind not in {Kind.BASE, Kind.CATALOG}]


def needed(method: str, kind: Kind, source: RepositoryName | None = None) -> list[str]:
    return [str(access) for access in needed_access(method, kind, NAME, source)]


@pytest.mark.parametrize("kind", inside)
def test_reading_needs_pull_and_writing_needs_both(kind: Kind) -> None:
    assert needed("GET", kind) == needed("HEAD", kind) == [PULL]
    for method in ("POST", "PUT", "PATCH"):
        assert needed(method, kind) == [PULL, PUSH]


@pytest.mark.parametrize("kind", [Kind.MANIFEST, Kind.BLOB, Kind.REPOSITORY])
def test_deleting_needs_delete(kind: Kind) -> None:
    assert needed("DELETE", kind) == [DELETE]


def test_cancelling_an_upload_needs_push_only() -> None:
    assert needed("DELETE", Kind.UPLOAD) == [PUSH]


def test_mounting_needs_pull_on_the_source_too() -> None:
    assert needed("POST", Kind.UPLOADS, SOURCE) == [PULL, PUSH, FROM]
    assert needed("POST", Kind.UPLOADS, NAME) == [PULL, PUSH]


def test_the_catalog_needs_everything_on_the_catalog() -> None:
    (access,) = needed_access("GET", Kind.CATALOG, None, None)
    assert str(access) == "registry:catalog:*"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_the_base_needs_nothing(method: str) -> None:
    assert needed_access(method, Kind.BASE, None, None) == ()


@given(st.sampled_from(list(Kind)), st.none() | st.just(SOURCE))
def test_asking_for_options_needs_nothing(
    kind: Kind, source: RepositoryName | None
) -> None:
    assert needed_access("OPTIONS", kind, NAME, source) == ()


@given(st.text(max_size=9), st.sampled_from(inside))
def test_no_method_but_options_reaches_a_repository_unasked(
    method: str, kind: Kind
) -> None:
    assert (needed(method, kind) == []) is (method == "OPTIONS")
