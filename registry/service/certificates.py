"""When the server's certificate is good, so that clients are not the first to know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import attrs
from cryptography import x509
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

SOON = 14 * 24 * 3600.0
"""Seconds before the end of a certificate from which on it is warned of."""


@attrs.frozen
class Period:
    """From when until when a certificate is good, in seconds of the epoch."""

    begins: float
    ends: float

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Period:
        """That of ``certificate``."""
        return cls(
            certificate.not_valid_before_utc.timestamp(),
            certificate.not_valid_after_utc.timestamp(),
        )

    def warning(self, now: float) -> str | None:
        """What an operator should do about it at ``now``, if anything."""
        if now >= self.ends:
            return f"has expired at {_shown(self.ends)}; clients refuse it, renew it"
        if now < self.begins:
            return (
                f"is not good before {_shown(self.begins)}, so clients refuse it; look"
                " at the machine's clock"
            )
        if now >= self.ends - SOON:
            return f"expires at {_shown(self.ends)}; renew it"
        return None


class CertificateNumbers(Collector):
    """When the certificate in use ends, for Prometheus; ``period`` tells it."""

    def __init__(self, *, period: Callable[[], Period | None]) -> None:
        self._period = period

    def collect(self) -> Iterable[Metric]:
        """One number, or none without a certificate."""
        period = self._period()
        if period is not None:
            yield GaugeMetricFamily(
                "registry_tls_certificate_expiry_timestamp_seconds",
                "When the server's certificate ends, in seconds of the epoch.",
                value=period.ends,
            )


def _shown(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
