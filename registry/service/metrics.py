"""Numbers for Prometheus, under the names that Distribution gives them.

An answer costs a few dictionary look-ups and additions on plain numbers; the families
that prometheus-client renders are made when somebody scrapes. The registry of metrics
is our own, so two registries in one process do not meet.

Every label has a small, fixed set of values: no client can make the numbers many.

Source: Distribution 3 ``registry/handlers/app.go``; go-metrics ``handler.go``.
Read next: ``numbers.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from registry.service.numbers import Histogram
from registry.web.request import Request
from registry.web.response import NO_BODY, Response

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60)
"""Upper bounds in seconds, as Distribution has them."""

SIZES = tuple(1024 << power for power in range(22))
"""Upper bounds in bytes: 1 KiB, 2 KiB, and so on to 2 GiB, as Distribution has them."""

METHODS = {
    method: method.lower()
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}

OTHER = "other"
"""The label of paths and methods that are none of the registry's."""

_NOUNS = {
    b"manifests": "manifest",
    b"blobs": "blob",
    b"uploads": "blob_upload_chunk",
    b"referrers": "referrers",
}


class CacheNumbers(Protocol):
    """What a cache counted since the start."""

    @property
    def requests(self) -> int:
        """How often it was asked."""

    @property
    def hits(self) -> int:
        """How often it knew."""

    @property
    def errors(self) -> int:
        """How often it failed."""


class _Answers:
    """What was answered under one label."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.totals: dict[tuple[int, str], int] = {}
        self.durations: dict[str, Histogram] = {}
        self.received = Histogram(SIZES)
        self.sent = Histogram(SIZES)


class Metrics:
    """Counts answers, and renders all numbers of the process.

    ``prefix`` is what precedes ``v2/`` in a target. ``version`` is the product's. With
    ``cache`` the numbers of the descriptors' cache are asked for at each scrape, and
    ``others`` add families of their own.
    """

    def __init__(
        self,
        *,
        version: str,
        prefix: bytes = b"/",
        cache: Callable[[], CacheNumbers] | None = None,
        others: Sequence[Collector] = (),
    ) -> None:
        self._api = prefix + b"v2/"
        self._by_label: dict[str, _Answers] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Families(self._by_label, version, cache))
        for other in others:
            self._registry.register(other)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def started(self, request: Request) -> None:
        """``request`` is being answered from now on."""
        self._answers(request).in_flight += 1

    def answered(self, request: Request, response: Response, seconds: float) -> None:
        """Count this answer."""
        answers = self._answers(request)
        if answers.in_flight:  # a head that was refused has never started
            answers.in_flight -= 1
        method = METHODS.get(request.method, OTHER)
        key = (response.status, method)
        totals = answers.totals
        totals[key] = totals.get(key, 0) + 1
        duration = answers.durations.get(method)
        if duration is None:
            duration = answers.durations[method] = Histogram(DURATIONS)
        duration.observe(seconds)
        answers.received.observe(request.body.received)
        is_bare = method == "head" or response.status in NO_BODY
        answers.sent.observe(0 if is_bare else response.length)

    def render(self) -> bytes:
        """All numbers as text. Takes milliseconds: to be called in a worker."""
        return generate_latest(self._registry)

    def _answers(self, request: Request) -> _Answers:
        label = label_of(request.target, self._api)
        answers = self._by_label.get(label)
        if answers is None:
            answers = self._by_label[label] = _Answers()
        return answers


def label_of(target: bytes, api: bytes) -> str:
    """Distribution's label for ``target``; ``api`` ends in ``v2/``.

    Told by the end of the path alone, as ``core/route.py`` does, but without a look at
    names: a request with a bad name counts for the route that it would have had.
    """
    if not target.startswith(api):
        return "base" if target.partition(b"?")[0] == api[:-1] else OTHER
    stem, _, last = target.partition(b"?")[0].rpartition(b"/")
    noun = stem.rpartition(b"/")[2]
    if not last:
        return _with_slash(stem, noun, api)
    if last == b"uploads" and noun == b"blobs":
        return "blob_upload"
    if last == b"list" and noun == b"tags":
        return "tags"
    if last == b"_catalog" and len(stem) == len(api) - 1:
        return "catalog"
    return _NOUNS.get(noun, OTHER)


def _with_slash(stem: bytes, noun: bytes, api: bytes) -> str:
    if len(stem) == len(api) - 1:
        return "base"
    if noun == b"uploads" and stem.endswith(b"/blobs/uploads"):
        return "blob_upload"
    if noun == b"list" and stem.endswith(b"/tags/list"):
        return "tags"
    return "catalog" if stem == api + b"_catalog" else "repository"


class _Families(Collector):
    """Makes the families of a scrape from the plain numbers, in any thread.

    Copies of dictionaries are made in one step of the interpreter; the numbers of one
    scrape may differ by the answers of the moment, which Prometheus does not mind.
    """

    def __init__(
        self,
        by_label: Mapping[str, _Answers],
        version: str,
        cache: Callable[[], CacheNumbers] | None,
    ) -> None:
        self._by_label = by_label
        self._version = version
        self._cache = cache

    def collect(self) -> Iterable[Metric]:
        """The families."""
        labelled = sorted(dict(self._by_label).items())
        yield InfoMetricFamily(
            "registry_build", "What is running.", {"version": self._version}
        )
        yield _in_flight(labelled)
        yield _totals(labelled)
        yield from _histograms(labelled)
        if self._cache is not None:
            yield from _cache_families(self._cache())


_Labelled = list[tuple[str, _Answers]]


def _in_flight(labelled: _Labelled) -> Metric:
    family = GaugeMetricFamily(
        "registry_http_in_flight_requests",
        "Requests that are being answered.",
        labels=["handler"],
    )
    for label, answers in labelled:
        family.add_metric([label], answers.in_flight)
    return family


def _totals(labelled: _Labelled) -> Metric:
    family = CounterMetricFamily(
        "registry_http_requests",
        "Requests that were answered.",
        labels=["handler", "code", "method"],
    )
    for label, answers in labelled:
        for (code, method), count in dict(answers.totals).items():
            family.add_metric([label, str(code), method], count)
    return family


def _histograms(labelled: _Labelled) -> Iterator[Metric]:
    durations = HistogramMetricFamily(
        "registry_http_request_duration_seconds",
        "Seconds from a request's head to the end of its answer.",
        labels=["handler", "method"],
    )
    received = HistogramMetricFamily(
        "registry_http_request_size_bytes",
        "Bytes of the bodies of requests.",
        labels=["handler"],
    )
    sent = HistogramMetricFamily(
        "registry_http_response_size_bytes",
        "Bytes of the bodies of answers.",
        labels=["handler"],
    )
    for label, answers in labelled:
        for method, duration in dict(answers.durations).items():
            durations.add_metric([label, method], *duration.rendered())
        received.add_metric([label], *answers.received.rendered())
        sent.add_metric([label], *answers.sent.rendered())
    yield from (durations, received, sent)


def _cache_families(numbers: CacheNumbers) -> Iterator[Metric]:
    for name, what, count in (
        ("requests", "Questions to the cache of descriptors.", numbers.requests),
        ("hits", "Questions that the cache of descriptors answered.", numbers.hits),
        ("errors", "Failures of the cache of descriptors.", numbers.errors),
    ):
        yield CounterMetricFamily(f"registry_storage_cache_{name}", what, value=count)
