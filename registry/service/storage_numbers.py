"""The storage's numbers for Prometheus: its calls, its cache, and what room it has.

Read next: ``timed.py`` (where the times come from), ``metrics.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import (
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from registry.repository.room import Room
from registry.service.numbers import Histogram


class StorageNumbers(Collector):
    """Makes the families of a scrape, in any thread.

    ``driver`` is its name in the configuration, ``seconds`` are its calls by action.
    """

    def __init__(
        self, *, driver: str, seconds: Mapping[str, Histogram], room: Room
    ) -> None:
        self._driver = driver
        self._seconds = seconds
        self._room = room

    def collect(self) -> Iterable[Metric]:
        """The families."""
        yield self._actions()
        yield from self._gauges()

    def _actions(self) -> Metric:
        family = HistogramMetricFamily(
            "registry_storage_action_seconds",
            "Seconds that calls of the storage driver took.",
            labels=["driver", "action"],
        )
        for action, seconds in self._seconds.items():
            family.add_metric([self._driver, action], *seconds.rendered())
        return family

    def _gauges(self) -> Iterator[Metric]:
        """What room there is, as the disk was last seen; nothing without a bound."""
        room, space = self._room, self._room.space
        if space is None:
            return
        yield _gauge("free_bytes", "Bytes that are free.", space.free)
        yield _gauge("size_bytes", "Bytes of the file system.", space.size)
        yield _gauge(
            "reserved_bytes",
            "Bytes that pushes leave free.",
            room.reserve.size.of(space.size),
        )
        yield _gauge(
            "promised_bytes",
            "Bytes that are kept for pushes under way.",
            room.promised.size,
        )
        if space.free_files is not None and space.files is not None:
            yield _gauge("free_inodes", "Inodes that are free.", space.free_files)
            yield _gauge("inodes", "Inodes of the file system.", space.files)
            yield _gauge(
                "reserved_inodes",
                "Inodes that pushes leave free.",
                room.reserve.files.of(space.files),
            )


def _gauge(name: str, what: str, value: int) -> Metric:
    return GaugeMetricFamily(f"registry_storage_{name}", what, value=value)
