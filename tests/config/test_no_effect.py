"""Keys that change nothing are accepted with a warning, never in silence."""

import pytest
from reading import BASE, warned

ALONE = [
    ("http: {http2: {disabled: true}}", "c.yml:3:8: http.http2: has no effect"),
    ("http: {h2c: {enabled: true}}", "c.yml:3:8: http.h2c: has no effect"),
    ("http: {tls: {clientauth: request-client-cert}}",
     "c.yml:3:14: http.tls.clientauth: has no effect without http.tls.clientcas"),
    ("notifications: {events: {includereferences: true}}",
     "c.yml:3:26: notifications.events.includereferences: has no effect without not"),
    ("redis: {db: 1}", "c.yml:3:1: redis: has no effect without redis.addrs"),
    ("redis: {db: 1, addrs: []}", "c.yml:3:1: redis: has no effect without"),
    ("proxy: {ttl: 1h}", "c.yml:3:1: proxy: has no effect without proxy.remoteurl"),
    ("proxy: {remoteurl: '', username: x}", "c.yml:3:1: proxy: has no effect without"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "warning"), ALONE)
def test_a_key_without_effect_is_a_warning(text: str, warning: str) -> None:
    (said,) = warned(BASE + text)
    assert said.startswith(warning)


def test_how_many_tags_are_read_at_once_has_no_effect() -> None:
    text = "version: 0.1\nstorage: {inmemory: , tag: {concurrencylimit: 8}}\n"
    (said,) = warned(text)
    assert said == (
        "c.yml:2:29: storage.tag.concurrencylimit: has no effect: the tags of a"
        " repository are read in one go"
    )


def test_a_variable_without_effect_is_a_warning_too() -> None:
    (said,) = warned(BASE, {"REGISTRY_REDIS_DB": "1"})
    assert said == "REGISTRY_REDIS_DB: redis: has no effect without redis.addrs"


@pytest.mark.parametrize(
    "text",
    [
        "redis:",
        "redis: {}",
        "proxy: {remoteurl: ''}",
        "http: {tls: {clientauth: }}",
        "notifications: {events: , endpoints: []}",
    ],
)
def test_what_is_not_said_is_no_warning(text: str) -> None:
    assert warned(BASE + text) == []


def test_no_redirects_are_what_the_drivers_without_redirects_do() -> None:
    text = "version: 0.1\nstorage: {inmemory: , redirect: {disable: true}}\n"
    assert warned(text) == []
