"""Keys of Distribution 2.8 are accepted with a warning."""

from operator import attrgetter

import pytest
from reading import BASE, read, refused, warned

OLD = [
    ("loglevel: debug", "loglevel: is the old name of log.level", "log.level", "debug"),
    ("compatibility: {schema1: {enabled: true}}",
     "compatibility: has no effect: manifests of schema 1", "log.level", "info"),
    ("reporting: {bugsnag: {apikey: x}}",
     "reporting: has no effect: nothing is reported", "log.level", "info"),
    ("validation: {enabled: true}",
     "validation.enabled: has no effect: set validation.disabled",
     "validation.disabled", False),
    ("http: {http2: {disabled: true}}", "http.http2: has no effect: only HTTP/1.1",
     "http.http2.disabled", True),
    ("http: {h2c: {enabled: true}}", "http.h2c: has no effect: only HTTP/1.1",
     "http.h2c.enabled", True),
    ("redis: {pool: {maxidle: 4}}",
     "redis.pool.maxidle: is the old name of redis.maxidleconns",
     "redis.maxidleconns", 4),
    ("redis: {pool: {maxactive: 5}}",
     "redis.pool.maxactive: is the old name of redis.poolsize", "redis.poolsize", 5),
    ("redis: {pool: {idletimeout: 60s}}",
     "redis.pool.idletimeout: is the old name of redis.connmaxidletime",
     "redis.connmaxidletime", 60.0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "warning", "path", "value"), OLD)
def test_an_old_key_is_accepted_with_a_warning(
    text: str, warning: str, path: str, value: object
) -> None:
    configuration = read(BASE + text)
    said, *rest = configuration.warnings
    assert all("has no effect without" in str(other) for other in rest)
    assert said.origin.line == 3
    assert warning in str(said)
    assert attrgetter(path)(configuration) == value


def test_an_old_key_does_not_hide_what_is_wrong_with_the_new_section() -> None:
    assert refused(BASE + "loglevel: debug\nlog: 5\n")[0].startswith("c.yml:4:6: log: ")
    assert read(BASE + "loglevel: debug\nlog:\n").log.level == "debug"


def test_layerinfo_is_blobdescriptor() -> None:
    text = "version: 0.1\nstorage: {inmemory: , cache: {layerinfo: inmemory}}\n"
    configuration = read(text)
    assert configuration.storage.cache.blobdescriptor == "inmemory"
    (warning,) = configuration.warnings
    assert str(warning) == (
        "c.yml:2:31: storage.cache.layerinfo: is the old name of"
        " storage.cache.blobdescriptor; write that"
    )


def test_the_old_address_of_redis_is_an_address_of_redis() -> None:
    assert refused(BASE + "redis: {addr: 'localhost:6379'}") == [
        "c.yml:3:9: redis.addrs: is not yet supported; remove it to start without it"
    ]


def test_the_new_key_wins_over_the_old_one() -> None:
    text = BASE + "loglevel: debug\nlog: {level: warn}\n"
    assert read(text).log.level == "warn"
    assert warned(text) == [
        "c.yml:3:1: loglevel: is the old name of log.level, which is set too; ignored"
    ]


@pytest.mark.parametrize(
    ("name", "value", "warning"),
    [
        ("REGISTRY_LOGLEVEL", "debug", "REGISTRY_LOGLEVEL: loglevel: is the old name"),
        (
            "REGISTRY_STORAGE_CACHE_LAYERINFO",
            "inmemory",
            "storage.cache.layerinfo: is the old name",
        ),
        (
            "REGISTRY_COMPATIBILITY_SCHEMA1_ENABLED",
            "true",
            "REGISTRY_COMPATIBILITY_SCHEMA1_ENABLED: has no effect",
        ),
        ("REGISTRY_VALIDATION_ENABLED", "true", "set validation.disabled instead"),
    ],
)
def test_an_old_key_by_variable_is_a_warning(
    name: str, value: str, warning: str
) -> None:
    (said,) = warned(BASE, {name: value})
    assert warning in said


def test_an_old_key_by_variable_has_its_effect() -> None:
    assert read(BASE, {"REGISTRY_LOGLEVEL": "debug"}).log.level == "debug"


def test_an_unknown_key_of_the_old_pool_is_an_error() -> None:
    (problem,) = refused(BASE + "redis: {pool: {maxidle: 1, size: 2}}")
    assert "redis.pool: is not an option" in problem
