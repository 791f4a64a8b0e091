"""A mistake beside a secret does not tell it."""

import pytest
from reading import BASE, refused


@pytest.mark.parametrize(
    "options",
    [
        "http: {secret: [hush]}",
        "http: {secret: {a: hush}}",
        "http: {host: 'http://u:hush@h'}",
        "auth: {token: {password: hush, rootcertbundle: [hush]}}",
        "redis: {addrs: [a], password: [hush]}",
        "health: {http: [{uri: 'ftp://u:hush@h'}]}",
        "health: {http: [{uri: 'http://u:hush@h:99999/'}]}",
        "health: {http: [{uri: 'http://h/', headers: {Authorization: hush}}]}",
        "health: {tcp: [{addr: 'u:hush@h'}]}",
        "notifications: {endpoints: [{name: a, url: 'x://u:hush@h'}]}",
        "proxy: {remoteurl: 'http://u:hush@h:x', password: [hush]}",
        "log: {hooks: [{type: mail, options: {smtp: {password: [hush]}}}]}",
    ],
)
def test_what_is_wrong_with_options_is_told_without_secrets(options: str) -> None:
    problems = refused(BASE + options)
    assert problems
    assert not [problem for problem in problems if "hush" in problem]
