"""When certificates are good, and who is told that they are not."""

from __future__ import annotations

import pytest
from certificates import Pair
from prometheus_client import CollectorRegistry, generate_latest

from registry.service.certificates import SOON, CertificateNumbers, Period
from registry.service.tls import load_period

DAY = 24 * 3600.0
PERIOD = Period(begins=1_000 * DAY, ends=1_100 * DAY)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (999.0, "is not good before 1972-09-27T00:00:00Z"),
        (1_086.5, "expires at 1973-01-05T00:00:00Z; renew it"),
        (1_100.0, "has expired at 1973-01-05T00:00:00Z; clients refuse it"),
    ],
)
def test_what_is_not_or_soon_no_longer_good_is_warned_of(
    day: float, words: str
) -> None:
    assert words in str(PERIOD.warning(day * DAY))


@pytest.mark.parametrize("now", [PERIOD.begins, PERIOD.ends - SOON - 1])
def test_nothing_is_said_of_what_is_good(now: float) -> None:
    assert PERIOD.warning(now) is None


def test_the_period_is_that_of_the_servers_own_certificate(ecdsa_pair: Pair) -> None:
    period = load_period(ecdsa_pair.certificate)
    assert period.ends - period.begins == 2 * DAY


@pytest.mark.parametrize("period", [None, PERIOD])
def test_the_end_is_a_number_for_prometheus(period: Period | None) -> None:
    registry = CollectorRegistry()
    registry.register(CertificateNumbers(period=lambda: period))
    said = generate_latest(registry).decode()
    name = "registry_tls_certificate_expiry_timestamp_seconds"
    assert (f"{name} 9.504e+07" in said) is (period is not None)
