"""Numbers for Prometheus."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from observed import request_for
from prometheus_client.parser import text_string_to_metric_families

from registry.service.metrics import Metrics, label_of
from registry.web.response import Response

HANDLERS = {
    *("base", "catalog", "tags", "manifest", "blob", "blob_upload"),
    *("blob_upload_chunk", "referrers", "repository", "other"),
}


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = metrics.render().decode("utf-8")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((name, frozenset(labels.items())))


def test_an_answer_is_counted_under_distributions_names() -> None:
    metrics = Metrics(version="1.0")
    request = request_for("/v2/a/manifests/latest")
    metrics.answered(request, Response(200, b"", b"x" * 2000), 0.02)
    labels = {"handler": "manifest"}
    total = value(
        metrics, "registry_http_requests_total", code="200", method="get", **labels
    )
    assert total == 1
    bucket = "registry_http_request_duration_seconds_bucket"
    assert value(metrics, bucket, method="get", le="0.01", **labels) == 0
    assert value(metrics, bucket, method="get", le="0.025", **labels) == 1
    assert value(metrics, bucket, method="get", le="+Inf", **labels) == 1
    sent = "registry_http_response_size_bytes"
    assert value(metrics, f"{sent}_sum", **labels) == 2000
    assert value(metrics, f"{sent}_bucket", le="1024.0", **labels) == 0
    assert value(metrics, f"{sent}_bucket", le="2048.0", **labels) == 1
    assert value(metrics, "registry_http_request_size_bytes_count", **labels) == 1


def test_the_answer_to_head_has_no_body() -> None:
    metrics = Metrics(version="1.0")
    request = request_for("/v2/a/blobs/sha256:1", method="HEAD")
    metrics.answered(request, Response(200, b"", b"x" * 2000), 0.0)
    assert value(metrics, "registry_http_response_size_bytes_sum", handler="blob") == 0


def test_requests_are_in_flight_until_they_are_answered() -> None:
    metrics = Metrics(version="1.0")
    request = request_for("/v2/a/blobs/sha256:1")
    name = "registry_http_in_flight_requests"
    metrics.started(request)
    metrics.started(request)
    assert value(metrics, name, handler="blob") == 2
    metrics.answered(request, Response(200), 0.0)
    assert value(metrics, name, handler="blob") == 1


def test_an_answer_to_what_never_started_leaves_nothing_in_flight() -> None:
    metrics = Metrics(version="1.0")
    metrics.answered(request_for(""), Response(400), 0.0)
    assert value(metrics, "registry_http_in_flight_requests", handler="other") == 0


@pytest.mark.parametrize(
    ("target", "handler"),
    [
        (b"/v2/", "base"),
        (b"/v2", "base"),
        (b"/v2/?x=/a/manifests/b", "base"),
        (b"/v2/_catalog?n=5", "catalog"),
        (b"/v2/a/_catalog", "other"),
        (b"/v2/a/b/tags/list", "tags"),
        (b"/v2/a/tags/list/?n=1", "tags"),
        (b"/v2/a/manifests/latest", "manifest"),
        (b"/v2/a/tags/list/manifests/latest", "manifest"),
        (b"/v2/a/blobs/sha256:12", "blob"),
        (b"/v2/a/blobs/uploads", "blob_upload"),
        (b"/v2/a/blobs/uploads/", "blob_upload"),
        (b"/v2/a/blobs/uploads/?mount=x&from=b/c", "blob_upload"),
        (b"/v2/a/blobs/uploads/0b7f?_state=x/y", "blob_upload_chunk"),
        (b"/v2/a/referrers/sha256:12", "referrers"),
        (b"/v2/a/b/", "repository"),
        (b"/v2/nonsense", "other"),
        (b"/healthz", "other"),
        (b"", "other"),
    ],
)
def test_the_handler_is_told_by_the_path(target: bytes, handler: str) -> None:
    assert label_of(target, b"/v2/") == handler


def test_the_handler_is_told_below_a_prefix_too() -> None:
    assert label_of(b"/foo/v2/a/manifests/b", b"/foo/v2/") == "manifest"
    assert label_of(b"/foo/v2", b"/foo/v2/") == "base"
    assert label_of(b"/v2/a/manifests/b", b"/foo/v2/") == "other"


@given(st.binary() | st.binary().map(lambda tail: b"/v2/" + tail))
def test_no_path_makes_a_label_of_its_own(target: bytes) -> None:
    assert label_of(target, b"/v2/") in HANDLERS


def test_no_method_makes_a_label_of_its_own() -> None:
    metrics = Metrics(version="1.0")
    for method in ("BREW", "PROPFIND", "M-SEARCH"):
        metrics.answered(request_for(method=method), Response(405), 0.0)
    total = value(
        metrics,
        "registry_http_requests_total",
        handler="base",
        code="405",
        method="other",
    )
    assert total == 3


def test_the_process_and_the_version_are_shown() -> None:
    said = samples(Metrics(version="1.0"))
    assert ("registry_build_info", frozenset({("version", "1.0")})) in said
    assert ("process_resident_memory_bytes", frozenset()) in said


def test_the_cache_is_asked_at_each_scrape() -> None:
    @attrs.define
    class Numbers:
        requests: int = 10
        hits: int = 7
        errors: int = 0

    numbers = Numbers()
    metrics = Metrics(version="1.0", cache=lambda: numbers)
    assert value(metrics, "registry_storage_cache_hits_total") == 7
    numbers.hits = 8
    assert value(metrics, "registry_storage_cache_hits_total") == 8
    assert value(metrics, "registry_storage_cache_requests_total") == 10


def test_two_registries_of_one_process_do_not_meet() -> None:
    one, other = Metrics(version="1.0"), Metrics(version="1.0")
    one.answered(request_for(), Response(200), 0.0)
    assert ("registry_http_requests_total") not in {name for name, _ in samples(other)}
