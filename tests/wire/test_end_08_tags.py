"""Listing tags, and the catalog of Docker. Spec: distribution end-8a, end-8b."""

from __future__ import annotations

import pytest
from ends import NAME, Here, codes, image, push, put, started

LIST = f"/v2/{NAME}/tags/list"
TAGS = ["B", "Z", "_x", "a", "a-b", "a.b", "a_b", "aa", "b", "v1", "v10", "v2"]
"""In the order of their bytes, as Distribution and its clients sort."""


@pytest.fixture
def tagged(here: Here) -> Here:
    """A registry whose repository has all of ``TAGS``."""
    push(here, image("a"))
    put(here, image("a"), tags=list(reversed(TAGS))).expect(201)
    return here


def test_all_tags_are_listed_in_order(tagged: Here) -> None:
    """end-8a."""
    answer = tagged.get(LIST).expect(200)
    assert answer.json() == {"name": NAME, "tags": TAGS}
    assert answer.header("Content-Type") == "application/json"
    assert answer.headers.get("Link") is None


def test_a_page_of_tags_links_to_the_next(tagged: Here) -> None:
    """end-8b. RFC 8288."""
    answer = tagged.get(f"{LIST}?n=5").expect(200)
    assert answer.json()["tags"] == TAGS[:5]
    assert answer.header("Link") == f'<{LIST}?last={TAGS[4]}&n=5>; rel="next"'


@pytest.mark.parametrize("size", [1, 2, 5, 11, 12, 13, 999_999])
def test_pages_of_any_size_are_all_tags_once(tagged: Here, size: int) -> None:
    """end-8b: following Link until there is none."""
    found, target, pages = [], f"{LIST}?n={size}", 0
    while target:
        answer = tagged.get(target).expect(200)
        found += answer.json()["tags"]
        target = answer.headers.get("Link", "").partition(">")[0].lstrip("<")
        pages += 1
    assert found == TAGS
    assert pages == -(-len(TAGS) // size)


@pytest.mark.parametrize("last", TAGS)
def test_what_follows_a_tag(tagged: Here, last: str) -> None:
    """end-8b: ``last`` without ``n``, itself excluded."""
    answer = tagged.get(f"{LIST}?last={last}").expect(200)
    assert answer.json()["tags"] == TAGS[TAGS.index(last) + 1 :]
    assert answer.headers.get("Link") is None


@pytest.mark.parametrize(("last", "first"), [("0", "B"), ("a1", "a_b"), ("zzz", None)])
def test_what_follows_something_that_is_no_tag(
    tagged: Here, last: str, first: str | None
) -> None:
    """end-8b: it may have been deleted meanwhile."""
    found = tagged.get(f"{LIST}?n=1&last={last}").expect(200).json()["tags"]
    assert found == ([first] if first else [])


def test_no_tags_are_listed_where_none_are_asked_for(tagged: Here) -> None:
    """end-8b: n=0 is an empty list, without Link."""
    answer = tagged.get(f"{LIST}?n=0").expect(200)
    assert answer.json() == {"name": NAME, "tags": []}
    assert answer.headers.get("Link") is None


@pytest.mark.parametrize("n", ["-1", "x", "1.5", "0x1", "1e3", "%20", "9" * 30])
def test_a_number_that_is_none_is_refused(tagged: Here, n: str) -> None:
    """end-8b: Distribution's own code."""
    for target in (LIST, "/v2/_catalog"):
        answer = tagged.get(f"{target}?n={n}").expect(400)
        assert codes(answer) == ["PAGINATION_NUMBER_INVALID"]


def test_a_page_is_never_longer_than_the_operator_allows(tagged: Here) -> None:
    """end-8b, ``tags.maxtags``: but without ``n`` there are no pages."""
    tagged.configure("storage: inmemory\ntags: {maxtags: 3}")
    answer = tagged.get(f"{LIST}?n=7").expect(200)
    assert answer.json()["tags"] == TAGS[:3]
    assert f"last={TAGS[2]}&n=3" in answer.header("Link")
    assert tagged.get(LIST).expect(200).json()["tags"] == TAGS


@pytest.mark.parametrize("target", [f"{LIST}/", LIST])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_head_of_the_list_mirrors_get(tagged: Here, method: str, target: str) -> None:
    """end-8a."""
    answer = tagged.request(method, target).expect(200)
    assert answer.headers.items() == tagged.get(LIST).headers.items()


def test_a_repository_that_is_not_there_is_unknown(here: Here) -> None:
    """end-8a, code-9."""
    answer = here.get(LIST).expect(404)
    assert codes(answer) == ["NAME_UNKNOWN"]
    assert answer.json()["errors"][0]["detail"] == {"name": NAME}


@pytest.mark.parametrize("what", ["manifest", "blob", "session"])
def test_a_repository_without_tags_lists_none(here: Here, what: str) -> None:
    """end-8a: 200, where Distribution says 404."""
    if what == "manifest":
        push(here, image("a"))
    elif what == "blob":
        here.push_blob(NAME, b"x")
    else:
        started(here)
    assert here.tags(NAME) == []


def test_a_tag_that_moved_is_listed_once(here: Here) -> None:
    """end-8a."""
    push(here, image("a"), "v1")
    push(here, image("b"), "v1")
    assert here.tags(NAME) == ["v1"]


# The catalog.


@pytest.fixture
def many(here: Here) -> Here:
    """A registry of repositories, some inside others."""
    for name in ("b", "a", "a/0x", "a-b", "a/b/c", "c.d"):
        push(here, image("a"), "v1", name=name)
    return here


NAMES = ["a", "a-b", "a/0x", "a/b/c", "b", "c.d"]


def test_the_catalog_lists_repositories_in_order(many: Here) -> None:
    """Docker's catalog."""
    answer = many.get("/v2/_catalog").expect(200)
    assert answer.json() == {"repositories": NAMES}
    assert answer.header("Content-Type") == "application/json"
    assert answer.headers.get("Link") is None


def test_the_catalog_has_pages(many: Here) -> None:
    """Docker's catalog."""
    answer = many.get("/v2/_catalog?n=4").expect(200)
    assert answer.json()["repositories"] == NAMES[:4]
    link = answer.header("Link")
    assert link == '</v2/_catalog?last=a%2Fb%2Fc&n=4>; rel="next"'
    answer = many.get(link.partition(">")[0].lstrip("<")).expect(200)
    assert answer.json()["repositories"] == NAMES[4:]
    assert answer.headers.get("Link") is None


def test_the_catalog_of_nothing_is_empty(here: Here) -> None:
    """Docker's catalog."""
    assert here.catalog() == []
    assert here.get("/v2/_catalog?n=0").expect(200).json() == {"repositories": []}


def test_a_page_of_the_catalog_is_never_longer_than_the_operator_allows(
    many: Here,
) -> None:
    """Docker's catalog, ``catalog.maxentries``: shorter, where Distribution refuses."""
    many.configure("storage: inmemory\ncatalog: {maxentries: 2}")
    for query in ("", "?n=5"):
        answer = many.get(f"/v2/_catalog{query}").expect(200)
        assert answer.json()["repositories"] == NAMES[:2]
        assert "last=a-b&n=2" in answer.header("Link")


def test_a_repository_without_manifests_is_not_in_the_catalog(here: Here) -> None:
    """Docker's catalog."""
    here.push_blob("blobs/only", b"x")
    assert here.catalog() == []
