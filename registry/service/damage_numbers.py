"""The numbers of damaged content for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from registry.repository.quarantine import Quarantine


class DamageNumbers(Collector):
    """Makes the families of a scrape, in any thread, from what ``quarantine`` knows."""

    def __init__(self, *, quarantine: Quarantine) -> None:
        self._quarantine = quarantine

    def collect(self) -> Iterable[Metric]:
        """The families."""
        yield CounterMetricFamily(
            "registry_storage_damaged_contents",
            "Contents that were found damaged and set aside.",
            value=self._quarantine.taken,
        )
        yield GaugeMetricFamily(
            "registry_storage_missing_contents",
            "Contents that were set aside and have not been pushed again.",
            value=self._quarantine.missing,
        )
