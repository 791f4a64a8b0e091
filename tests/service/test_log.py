"""The log of the process, from events to lines."""

from __future__ import annotations

import io
import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import maybeDeferred
from twisted.internet.protocol import Factory
from twisted.logger import LogBeginner, Logger, LogPublisher
from twisted.python.failure import Failure

from registry.service.log import LogObserver, start_logging


class Log:
    """A logger whose lines can be looked at."""

    def __init__(self, **options: Any) -> None:
        self._stream = io.StringIO()
        self.observer = LogObserver(stream=self._stream, **options)
        self.speak = Logger("registry.test", observer=self.observer)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


def raised(error: Exception) -> Failure:
    def fails() -> None:
        raise error

    outcomes: list[Failure] = []
    maybeDeferred(fails).addErrback(outcomes.append)
    return outcomes[0]


def test_text_looks_like_logrus() -> None:
    log = Log(fields={"environment": "office"})
    log.speak.info("listening on {url}", url="http://127.0.0.1:5000", ports=2)
    head, _, rest = log.text.partition(" level=")
    assert head.startswith('time="20')
    assert head.endswith('Z"')
    assert rest == (
        'info msg="listening on http://127.0.0.1:5000" environment=office'
        ' ports=2 url="http://127.0.0.1:5000"\n'
    )


def test_json_is_one_object_a_line_with_typed_fields() -> None:
    log = Log(formatter="json")
    log.speak.warn("slow disk", seconds=1.5, ok=False, path="/var/lib/registry")
    (said,) = log.objects
    assert said.pop("time").endswith("Z")
    assert said == {
        "level": "warning",
        "msg": "slow disk",
        "seconds": 1.5,
        "ok": False,
        "path": "/var/lib/registry",
    }


def test_logstash_has_its_own_names() -> None:
    log = Log(formatter="logstash", fields={"service": "registry"})
    log.speak.error("no room")
    (said,) = log.objects
    assert said.pop("@timestamp").endswith("Z")
    assert said == {
        "@version": "1",
        "level": "error",
        "message": "no room",
        "type": "registry",
        "service": "registry",
    }


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["debug", "info", "warning", "error", "error"]),
        ("info", ["info", "warning", "error", "error"]),
        ("warn", ["warning", "error", "error"]),
        ("error", ["error", "error"]),
    ],
)
def test_only_what_is_serious_enough_is_written(level: str, written: list[str]) -> None:
    log = Log(level=level, formatter="json")
    for name in ("debug", "info", "warn", "error", "critical"):
        getattr(log.speak, name)("something")
    assert [said["level"] for said in log.objects] == written


def test_twisted_talks_of_factories_and_ports_at_debug_only() -> None:
    quiet, loud = Log(level="info"), Log(level="debug")
    for log in (quiet, loud):
        Logger("twisted.logger._logger", observer=log.observer).info(
            "Starting factory {factory!r}", factory=Factory()
        )
        Logger("log_legacy", observer=log.observer).info("(TCP Port 5000 Closed)")
    assert quiet.text == ""
    assert "level=debug" in loud.text
    assert "(TCP Port 5000 Closed)" in loud.text


def test_a_warning_of_twisted_is_still_a_warning() -> None:
    log = Log()
    Logger("twisted.web", observer=log.observer).warn("odd request")
    assert "level=warning" in log.text


def test_an_error_shows_its_traceback_where_no_line_can_begin() -> None:
    log = Log()
    log.speak.failure("failed", failure=raised(ValueError("a\nlevel=info msg=b")))
    first, *rest = log.text.splitlines()
    assert first.endswith('error="ValueError: a\\nlevel=info msg=b"')
    assert "Traceback" in rest[0]
    assert all(line.startswith("    ") for line in rest)


def test_a_traceback_is_a_field_in_json() -> None:
    log = Log(formatter="json")
    log.speak.failure("failed", failure=raised(KeyError("x")))
    (said,) = log.objects
    assert said["error"] == "KeyError: 'x'"
    assert "Traceback" in said["traceback"]


def test_below_error_a_failure_is_only_named() -> None:
    log = Log()
    log.speak.info("gave up", log_failure=raised(OSError("gone")))
    assert log.text.endswith('msg="gave up" error="OSError: gone"\n')


@given(formatter=st.sampled_from(["text", "json", "logstash"]), text=st.text())
def test_no_text_makes_a_line_of_its_own(formatter: str, text: str) -> None:
    log = Log(formatter=formatter)
    log.speak.info("{text}", text=text or "-")
    assert log.text.count("\n") == 1
    assert log.text[:-1].isprintable()


def test_json_gives_every_text_back() -> None:
    log = Log(formatter="json")
    log.speak.info("ends\r\n\x1b[2J\u2028 \u202e", name='"\\')
    (said,) = log.objects
    assert (said["msg"], said["name"]) == ("ends\r\n\x1b[2J\u2028 \u202e", '"\\')


@pytest.mark.parametrize("formatter", ["text", "json"])
def test_secrets_are_never_written(formatter: str) -> None:
    log = Log(formatter=formatter)
    log.speak.error(
        "{url} refused {header}",
        url="https://bob:hunter2@mirror.example/v2/?_state=sIgNeD&n=1",
        header="Bearer eyJhbGciOiJFUzI1NiJ9.eyJhIjoxfQ.c2ln",
        password="hunter2",
        authorization="Basic Ym9iOmh1bnRlcjJodW50ZXI=",
    )
    log.speak.failure(
        "failed", failure=raised(OSError("Basic Ym9iOmh1bnRlcjJodW50ZXI="))
    )
    for secret in ("hunter2", "sIgNeD", "eyJ", "Ym9i"):
        assert secret not in log.text
    assert "mirror.example/v2/?_state=***&n=1" in log.text


def test_a_field_named_like_a_part_of_the_line_keeps_its_value() -> None:
    log = Log(formatter="json", fields={"level": "ground floor"})
    log.speak.info("hello")
    (said,) = log.objects
    assert (said["level"], said["fields.level"]) == ("info", "ground floor")


def test_values_of_any_type_can_be_logged() -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError

    log = Log(formatter="json")
    log.speak.info("odd {what}", what=Odd(), names=("a", "b"))
    (said,) = log.objects
    assert said["names"] == ["a", "b"]


def test_nested_fields_stay_nested() -> None:
    fields = {"place": MappingProxyType({"rack": 4, "rooms": ("a", "b")})}
    log = Log(formatter="json", fields=fields)
    log.speak.info("hello")
    (said,) = log.objects
    assert said["place"] == {"rack": 4, "rooms": ["a", "b"]}


def test_nested_fields_are_json_in_text() -> None:
    log = Log(fields={"place": {"rack": 4, "row": "b"}})
    log.speak.info("hello")
    assert log.text.endswith(' msg=hello place="{\\"rack\\": 4, \\"row\\": \\"b\\"}"\n')


def test_a_secret_inside_a_field_is_masked() -> None:
    log = Log(formatter="json")
    log.speak.info("hello", options={"password": "hunter2", "user": "a"})
    (said,) = log.objects
    assert said["options"] == {"password": "***", "user": "a"}


def test_a_field_that_holds_itself_is_shown_so_far() -> None:
    log = Log(formatter="json")
    endless: list[object] = []
    endless.append(endless)
    log.speak.info("hello", endless=endless)
    (said,) = log.objects
    assert said["msg"] == "hello"


def test_the_caller_is_named_when_asked_for() -> None:
    log = Log(formatter="json", reports_caller=True)
    log.speak.info("hello")
    (said,) = log.objects
    assert said["func"] == "registry.test"


def test_what_was_said_before_the_start_is_not_lost() -> None:
    publisher = LogPublisher()

    class Warnings:
        showwarning = None

    beginner = LogBeginner(publisher, io.StringIO(), object(), Warnings())
    log = Log()
    Logger("registry.early", observer=publisher).info("reading the configuration")
    start_logging(log.observer, beginner=beginner)
    assert 'msg="reading the configuration"' in log.text
