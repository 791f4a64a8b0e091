from __future__ import annotations

import re
from typing import Any

import pytest
from drafts import (
    DOCKER_CONFIG,
    DOCKER_FOREIGN,
    OCI_FOREIGN,
    OCI_LAYER,
    child,
    described,
    image,
    index,
    parsed,
)
from hypothesis import given
from hypothesis import strategies as st

from registry.core.digest import Digest
from registry.core.manifest import Manifest
from registry.core.mediatype import DOCKER_MANIFEST, OCI_MANIFEST
from registry.core.rules import ReferenceRules

LINUX = {"os": "linux", "architecture": "amd64"}
WINDOWS = {"os": "windows", "architecture": "amd64"}
URL = "https://store.example.com/blobs/1"


def contents(*known: bytes) -> list[Digest]:
    return [Digest.of(content) for content in known]


def blobs(manifest: Manifest, rules: ReferenceRules | None = None) -> list[Digest]:
    return [d.digest for d in (rules or ReferenceRules()).required_blobs(manifest)]


def children(manifest: Manifest, rules: ReferenceRules) -> list[Digest]:
    return [d.digest for d in rules.required_manifests(manifest)]


def refused(
    rules: ReferenceRules, *urls: str, media_type: str = OCI_FOREIGN
) -> list[object]:
    layer = described(b"x", media_type, urls=list(urls))
    return [error.detail for error in rules.check_urls(parsed(image(layers=[layer])))]


def test_config_and_layers_have_to_be_here_in_this_order() -> None:
    layers = [described(b"one"), described(b"two")]
    assert blobs(parsed(image(layers=layers))) == contents(b"config", b"one", b"two")


def test_a_layer_that_appears_twice_is_looked_for_once() -> None:
    manifest = parsed(image(layers=[described(b"same"), described(b"same")]))
    assert blobs(manifest) == contents(b"config", b"same")


def test_a_layer_that_clients_fetch_elsewhere_need_not_be_here() -> None:
    elsewhere = [
        described(b"x", kind, urls=[URL]) for kind in (OCI_FOREIGN, DOCKER_FOREIGN)
    ]
    here = [described(b"y", OCI_FOREIGN), described(b"z", OCI_LAYER, urls=[URL])]
    manifest = parsed(image(layers=[*elsewhere, *here]))
    assert blobs(manifest) == contents(b"config", b"y", b"z")


def test_a_subject_need_not_be_here() -> None:
    subject = described(b"subject", OCI_MANIFEST)
    rules = ReferenceRules()
    assert children(parsed(index(subject=subject)), rules) == []
    assert Digest.of(b"subject") not in blobs(parsed(image(subject=subject)))


def test_children_of_an_index_have_to_be_here_as_manifests() -> None:
    manifest = parsed(index(child(b"a"), child(b"b"), child(b"a")))
    assert children(manifest, ReferenceRules()) == contents(b"a", b"b")
    assert blobs(manifest) == []


@pytest.mark.parametrize(
    ("platforms", "needed"),
    [
        ("all", (b"linux", b"windows", b"any")),
        ("none", ()),
        (frozenset({("linux", "amd64")}), (b"linux",)),
        (frozenset({("linux", "arm64")}), ()),
        (frozenset(), ()),
    ],
    ids=["all", "none", "linux", "other", "empty"],
)
def test_an_operator_chooses_the_platforms_that_have_to_be_here(
    platforms: Any, needed: tuple[bytes, ...]
) -> None:
    manifest = parsed(
        index(
            child(b"linux", platform=LINUX),
            child(b"windows", platform=WINDOWS),
            child(b"any"),
        )
    )
    rules = ReferenceRules(platforms=platforms)
    assert children(manifest, rules) == contents(*needed)


def test_where_nothing_is_required_a_manifest_may_be_sparse() -> None:
    rules = ReferenceRules(required=False)
    assert blobs(parsed(image()), rules) == []
    assert children(parsed(index(child())), rules) == []


def test_without_rules_every_web_url_is_accepted() -> None:
    assert refused(ReferenceRules(), URL, "http://example.com:8080/a?b=c") == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/blobs/1",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:/example.com",
        "https://example.com/x#part",
        "https://example.com/x#",
        "https://[::1",
        " https://example.com/",
        "https://example.com/a b",
        "https://example.com/\n",
        "ht\ntps://example.com/",
    ],
)
def test_a_url_of_another_kind_is_refused_and_named(url: str) -> None:
    assert refused(ReferenceRules(), URL, url) == [url]


def test_allowed_and_denied_urls() -> None:
    rules = ReferenceRules(
        urls_allow=(re.compile(r"^https://store\."), re.compile("mirror")),
        urls_deny=(re.compile("secret"),),
    )
    inside, outside = "https://store.example.com/secret", "https://example.com/x"
    assert refused(rules, URL, "http://mirror/x", inside, outside) == [inside, outside]


def test_urls_of_what_is_no_layer_are_not_judged() -> None:
    assert refused(ReferenceRules(), "oci://x", media_type="application/custom") == []
    assert refused(ReferenceRules(), "oci://x", media_type=OCI_LAYER) == ["oci://x"]


def test_a_foreign_docker_layer_needs_a_url() -> None:
    draft = image(
        mediaType=DOCKER_MANIFEST,
        config=described(b"{}", DOCKER_CONFIG),
        layers=[described(b"x"), described(b"y", DOCKER_FOREIGN)],
    )
    (error,) = ReferenceRules().check_urls(parsed(draft))
    assert "layers[1]" in error.message


@given(st.text(max_size=40))
def test_no_url_is_an_error(url: str) -> None:
    assert refused(ReferenceRules(), url) in ([], [url])
