from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.digest import Digest
from registry.core.errors import NameInvalid
from registry.core.name import RepositoryName
from registry.core.route import Kind, Route, parse_route

DIGEST = "sha256:" + "a" * 64
SESSION = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

words = st.sampled_from(
    ["a", "b-c", "tags", "list", "manifests", "blobs", "uploads", "referrers", "v2"]
)
names = st.lists(words, min_size=1, max_size=5).map("/".join).map(RepositoryName)
digests = st.binary(max_size=4).map(Digest.of).map(str)
tags = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,9}", fullmatch=True)
routes = (
    st.just(Route(Kind.BASE))
    | st.just(Route(Kind.CATALOG))
    | st.builds(Route, st.sampled_from([Kind.TAGS, Kind.UPLOADS]), names)
    | st.builds(Route, st.just(Kind.MANIFEST), names, tags | digests)
    | st.builds(Route, st.sampled_from([Kind.BLOB, Kind.REFERRERS]), names, digests)
    | st.builds(Route, st.just(Kind.UPLOAD), names, st.uuids().map(str))
)


@given(routes)
def test_a_route_survives_being_written_and_read(route: Route) -> None:
    assert parse_route(route.path) == route


@given(routes)
def test_percent_encoding_makes_no_difference(route: Route) -> None:
    assert parse_route(quote(route.path, safe="/")) == route
    escaped = "".join(c if c == "/" else f"%{ord(c):02x}" for c in route.path[4:])
    assert parse_route("/v2/" + escaped) == route


@given(names)
def test_a_repository_has_a_path_of_its_own_unless_it_reads_like_another(
    name: RepositoryName,
) -> None:
    route = parse_route(f"/v2/{name}/")
    assert route is not None
    if name.text.endswith("/tags/list"):
        assert route.kind is Kind.TAGS
    elif name.text.endswith("/blobs/uploads"):
        assert route.kind is Kind.UPLOADS
    else:
        assert route == Route(Kind.REPOSITORY, name)


@given(
    st.text(max_size=40)
    | st.lists(
        words | st.sampled_from(["", ".", "..", "%2f", "%", "A", DIGEST]), max_size=7
    ).map(lambda parts: "/v2/" + "/".join(parts))
)
def test_every_path_has_a_route_or_none_or_a_wrong_name(path: str) -> None:
    try:
        route = parse_route(path)
    except NameInvalid:
        return
    if route is not None:
        assert "/" not in route.reference
        assert route.reference not in {".", ".."}
        assert (route.name is None) == (route.kind in {Kind.BASE, Kind.CATALOG})


@pytest.mark.parametrize(
    ("path", "kind", "name", "reference"),
    [
        ("/v2", Kind.BASE, None, ""),
        ("/v2/", Kind.BASE, None, ""),
        ("/v2/_catalog", Kind.CATALOG, None, ""),
        ("/v2/_catalog/", Kind.CATALOG, None, ""),
        ("/v2/a/tags/list", Kind.TAGS, "a", ""),
        ("/v2/a/tags/list/", Kind.TAGS, "a", ""),
        ("/v2/a/b/manifests/v1.0", Kind.MANIFEST, "a/b", "v1.0"),
        ("/v2/a/manifests/uploads", Kind.MANIFEST, "a", "uploads"),
        (f"/v2/a/manifests/{DIGEST}", Kind.MANIFEST, "a", DIGEST),
        (f"/v2/a/blobs/{DIGEST}", Kind.BLOB, "a", DIGEST),
        (f"/v2/a/blobs/{DIGEST.replace(':', '%3A')}", Kind.BLOB, "a", DIGEST),
        (f"/v2/a/referrers/{DIGEST.replace(':', '%3a')}", Kind.REFERRERS, "a", DIGEST),
        ("/v2/a/blobs/uploads", Kind.UPLOADS, "a", ""),
        ("/v2/a/blobs/uploads/", Kind.UPLOADS, "a", ""),
        (f"/v2/a/blobs/uploads/{SESSION}", Kind.UPLOAD, "a", SESSION),
        ("/v2/a/blobs/short", Kind.BLOB, "a", "short"),
        ("/v2/a/tags/list/manifests/b", Kind.MANIFEST, "a/tags/list", "b"),
        ("/v2/a/manifests/b/manifests/c", Kind.MANIFEST, "a/manifests/b", "c"),
        ("/v2/a/manifests/tags/list", Kind.TAGS, "a/manifests", ""),
        ("/v2/a/b/", Kind.REPOSITORY, "a/b", ""),
    ],
)
def test_paths(path: str, kind: Kind, name: str | None, reference: str) -> None:
    wanted = None if name is None else RepositoryName(name)
    assert parse_route(path) == Route(kind, wanted, reference)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "v2/",
        "/v1/",
        "/v2x/",
        "/V2/",
        "/v2/a",
        "/v2/a/b",
        "/v2/manifests/latest",
        "/v2/a/tags/other",
        "/a%2Fb/../",
        "/v2/a/manifests/%ff",
        "/v2/a/manifests/%c0%af",
        f"/v2/a/uploads/{SESSION}",
    ],
)
def test_where_there_is_no_route(path: str) -> None:
    assert parse_route(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "/v2/A/tags/list",
        "/v2/a..b/tags/list",
        "/v2/../manifests/latest",
        "/v2/a/../../manifests/latest",
        "/v2/a//b/manifests/latest",
        "/v2//a/manifests/latest",
        "/v2/a_/blobs/uploads/",
        "/v2/_a/blobs/" + DIGEST,
        "/v2/a%00/manifests/latest",
        "/v2/a%252Fb/manifests/latest",
        "/v2/%zz/manifests/latest",
        "/v2/" + "a" * 256 + "/tags/list",
        "/v2/" + "a/" * 5000 + "tags/list",
        "/v2/a//",
        "/v2/../",
        "/v2/..",
        "/v2//",
        "/v2//tags/list",
        "/v2//_catalog",
        "/v2/a//tags/list",
        "/v2/a/tags//list",
        "/v2/a/manifests/..",
        "/v2/a/manifests/%2e%2e",
        "/v2/a/manifests/.",
        "/v2/./a/manifests/latest",
        "/v2/a%2Fb/manifests/latest",
        "/v2/a/manifests/x%2Fy",
        "/v2/a/manifests/x%2fy",
    ],
    ids=lambda path: path[:30],
)
def test_where_only_the_name_is_wrong(path: str) -> None:
    with pytest.raises(NameInvalid):
        parse_route(path)
