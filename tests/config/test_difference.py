"""What differs between two configurations."""

from __future__ import annotations

import attrs
from reading import BASE, read

from registry.config.difference import differing, keeping
from registry.config.schema import Configuration
from registry.config.shape import Section, section_of
from registry.service.reload import AT_ONCE, change


def test_a_configuration_does_not_differ_from_itself() -> None:
    assert differing(read(BASE), read(BASE)) == []


def test_differing_keys_are_named_with_dots() -> None:
    other = read(
        BASE + "log: {level: debug, fields: {a: b}}\nhttp: {limits: {url: 1KiB}}\n"
    )
    assert differing(read(BASE), other) == [
        "log.level",
        "log.fields",
        "http.limits.url",
    ]


def test_another_driver_is_one_difference_for_each_driver() -> None:
    other = read("version: 0.1\nstorage: filesystem\n")
    found = differing(read(BASE), other)
    assert found == ["storage.filesystem", "storage.inmemory"]


def test_what_is_kept_is_the_old_value_and_the_rest_is_new() -> None:
    old = read(BASE + "log: {level: warn}\nhttp: {prefix: /a/}\n")
    new = read(BASE + "log: {level: debug}\nhttp: {prefix: /b/, relativeurls: true}\n")
    kept = keeping(new, old, lambda key: key == "http.prefix")
    assert kept.http.prefix == "/a/"
    assert kept.http.relativeurls
    assert kept.log.level == "debug"
    assert keeping(new, old, lambda _: True) == old
    assert keeping(new, old, lambda _: False) == new


def test_the_source_and_warnings_are_always_the_new_ones() -> None:
    new = read(BASE + "http: {http2: {disabled: true}}\n")
    kept = keeping(new, read(BASE), lambda _: True)
    assert kept.warnings == new.warnings != ()


def test_what_waits_and_what_does_not_are_told_apart() -> None:
    old = read(BASE)
    new = read(BASE + "log: {level: debug}\nhttp: {addr: ':5001'}\n")
    result = change(old, new)
    assert (result.changed, result.waiting) == (["log.level"], ["http.addr"])
    assert result.config.http.addr == old.http.addr
    assert result.config.log.level == "debug"


def test_every_key_that_needs_no_restart_exists() -> None:
    for key in AT_ONCE:
        section = section_of(Configuration)
        *above, last = key.split(".")
        for name in above:
            shape = section.options[name].shape
            assert isinstance(shape, Section), key
            section = shape
        assert last in section.options, key


def test_a_change_of_nothing_keeps_everything() -> None:
    config = attrs.evolve(read(BASE), source="c.yml")
    assert change(config, config).config == config
