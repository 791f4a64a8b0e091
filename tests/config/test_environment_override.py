"""Environment variables that override the file."""

from operator import attrgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import BASE, read, refused, warned

from registry.config.load import load_config
from registry.config.secret import Secret

FILES = "version: 0.1\nstorage: {filesystem: {rootdirectory: /r}}\n"

SAME = [
    # the name and value of a variable, and what the file would have to say
    ("REGISTRY_LOG_LEVEL", "debug", "log: {level: debug}"),
    ("REGISTRY_LOG", "{level: debug}", "log: {level: debug}"),
    ("REGISTRY_LOG_ACCESSLOG_DISABLED", "yes", "log: {accesslog: {disabled: yes}}"),
    ("REGISTRY_LOG_FIELDS_SERVICE", "a", "log: {fields: {service: a}}"),
    ("REGISTRY_LOG_FIELDS_MY_FIELD", "5", "log: {fields: {my_field: 5}}"),
    ("REGISTRY_AUTH", "none", "auth: none"),
    ("REGISTRY_HTTP_ADDR", ":5001", "http: {addr: ':5001'}"),
    ("REGISTRY_HTTP_ADDR", "[::1]:5001", "http: {addr: '[::1]:5001'}"),
    ("REGISTRY_HTTP_ADDR", "'[::1]:5001'", "http: {addr: '[::1]:5001'}"),
    ("REGISTRY_HTTP_SECRET", "@b: c", "http: {secret: '@b: c'}"),
    ("REGISTRY_HTTP_SECRET", "{a: b}", "http: {secret: '{a: b}'}"),
    ("REGISTRY_HTTP_SECRET", "0123", "http: {secret: '0123'}"),
    ("REGISTRY_HTTP_HOST", "https://r.example.org",
     "http: {host: https://r.example.org}"),
    ("REGISTRY_HTTP_HOST", "", "http: {}"),
    ("REGISTRY_HTTP_DRAINTIMEOUT", "5s", "http: {draintimeout: 5s}"),
    ("REGISTRY_HTTP_HEADERS", "{X-A: [b]}", "http: {headers: {X-A: [b]}}"),
    ("REGISTRY_HTTP_HEADERS_X-A", "[b, c]", "http: {headers: {x-a: [b, c]}}"),
    ("REGISTRY_HTTP_HEADERS_X-A_0", "b", "http: {headers: {x-a: [b]}}"),
    ("REGISTRY_HTTP_TRUSTEDPROXIES", "[10.0.0.0/8]",
     "http: {trustedproxies: [10.0.0.0/8]}"),
    ("REGISTRY_HTTP_TRUSTEDPROXIES_0", "10.0.0.0/8",
     "http: {trustedproxies: [10.0.0.0/8]}"),
    ("REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED", "on",
     "http: {debug: {prometheus: {enabled: on}}}"),
    ("REGISTRY_HTTP_LIMITS_HEADER", "64KiB", "http: {limits: {header: 65536}}"),
    ("REGISTRY_HEALTH_FILE_0_FILE", "/f", "health: {file: [{file: /f}]}"),
    ("REGISTRY_HEALTH_FILECHECKERS_0_FILE", "/f", "health: {file: [{file: /f}]}"),
    ("REGISTRY_HEALTH_TCPCHECKERS_0_ADDR", "r:1", "health: {tcp: [{addr: 'r:1'}]}"),
    ("REGISTRY_HEALTH_HTTPCHECKERS", "[{uri: 'http://x'}]",
     "health: {http: [{uri: 'http://x'}]}"),
    ("REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES", "true",
     "notifications: {events: {includereferences: true}}"),
    ("REGISTRY_REDIS_DB", "3", "redis: {db: 3}"),
    ("REGISTRY_REDIS_TLS_ROOTCAS_0", "/a", "redis: {tls: {rootcas: [/a]}}"),
    ("REGISTRY_CATALOG_MAXENTRIES", "5", "catalog: {maxentries: 5}"),
    ("REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_0", "^a",
     "validation: {manifests: {urls: {allow: [^a]}}}"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "text"), SAME)
def test_a_variable_says_the_same_as_the_file(name: str, value: str, text: str) -> None:
    by_variable, by_file = read(BASE, {name: value}), read(BASE + text)
    assert by_variable == by_file
    said = [warning.message for warning in by_variable.warnings]
    assert said == [warning.message for warning in by_file.warnings]


STORAGE = [
    ("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/s", "filesystem.rootdirectory",
     "/s"),
    ("REGISTRY_STORAGE_DELETE_ENABLED", "true", "delete.enabled", True),
    ("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR", "inmemory", "cache.blobdescriptor",
     "inmemory"),
    ("REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED", "true",
     "maintenance.readonly.enabled", True),
    ("REGISTRY_STORAGE_MAINTENANCE_READONLY", '{"enabled":true}',
     "maintenance.readonly.enabled", True),
    ("REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_AGE", "1h",
     "maintenance.uploadpurging.age", 3600.0),
    ("REGISTRY_STORAGE", "inmemory", "filesystem", None),
    ("REGISTRY_STORAGE", "{inmemory: {}, delete: {enabled: on}}",
     "delete.enabled", True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "path", "expected"), STORAGE)
@pytest.mark.parametrize(
    "maintenance",
    ["", "  maintenance: {uploadpurging: {enabled: true}, readonly: {enabled: no}}\n"],
)
def test_a_variable_reaches_below_storage(
    name: str, value: str, path: str, expected: object, maintenance: str
) -> None:
    text = "version: 0.1\nstorage:\n  filesystem: {rootdirectory: /r}\n" + maintenance
    assert attrgetter(path)(read(text, {name: value}).storage) == expected


def test_replacing_the_storage_comes_before_what_fills_it() -> None:
    storage = read(
        FILES + "log: {level: warn}",
        {
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/new",
            "REGISTRY_STORAGE_DELETE_ENABLED": "true",
            "REGISTRY_STORAGE": "filesystem",
        },
    ).storage
    assert storage.filesystem is not None
    assert storage.filesystem.rootdirectory == "/new"
    assert storage.delete.enabled


def test_a_second_driver_by_variable_is_refused_with_the_way_out() -> None:
    (problem,) = refused(FILES, {"REGISTRY_STORAGE_INMEMORY": "{}"})
    assert problem == (
        "REGISTRY_STORAGE_INMEMORY: storage: names filesystem (c.yml:2:11), inmemory"
        " (REGISTRY_STORAGE_INMEMORY); keep one, or set REGISTRY_STORAGE=inmemory to"
        " replace the whole section of the file"
    )


def test_a_key_with_an_underscore_can_be_reached() -> None:
    azure = "{azure: {accountname: a, container: c}}"
    problems = refused(
        BASE,
        {"REGISTRY_STORAGE": azure, "REGISTRY_STORAGE_AZURE_MAX_RETRIES": "many"},
    )
    (problem,) = problems
    assert problem.startswith(
        "REGISTRY_STORAGE_AZURE_MAX_RETRIES: storage.azure.max_retries: must be a whole"
    )


def test_an_existing_map_key_is_found_in_any_case() -> None:
    text = BASE + "http: {headers: {X-Content-Type-Options: [nosniff]}}"
    variables = {"REGISTRY_HTTP_HEADERS_X-CONTENT-TYPE-OPTIONS_0": "other"}
    headers = read(text, variables).http.headers
    assert headers == {"X-Content-Type-Options": ("other",)}


def test_list_elements_are_replaced_appended_and_counted_as_numbers() -> None:
    variables = {
        f"REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_{index}": f"u{index}"
        for index in range(12)
    }
    text = BASE + "validation: {manifests: {urls: {allow: [a, b]}}}"
    allowed = read(text, variables).validation.manifests.urls.allow
    assert allowed == tuple(f"u{index}" for index in range(12))


def test_a_gap_in_a_list_names_the_variable() -> None:
    assert refused(BASE, {"REGISTRY_HEALTH_TCP_2_ADDR": "a:1"}) == [
        (
            "REGISTRY_HEALTH_TCP_2_ADDR: health.tcp: sets element 2 of a list of 0; the"
            " next is 0"
        )
    ]


def test_errors_in_variables_name_the_variable() -> None:
    variables = {"REGISTRY_HTTP": "{", "REGISTRY_LOG_LEVEL": "loud"}
    first, second = refused(BASE, variables)
    assert first.startswith("REGISTRY_HTTP: http: is not valid YAML")
    assert second.startswith("REGISTRY_LOG_LEVEL: log.level: must be one of error")


@pytest.mark.parametrize(
    "name",
    [
        "REGISTRY_PORT",
        "REGISTRY_PORT_5000_TCP_ADDR",
        "REGISTRY_SERVICE_HOST",
        "REGISTRY_HTTP_PORT",
        "REGISTRY_HTTP_ADDR_0",
        "REGISTRY_AUTH_SERVICE_HOST",
        "REGISTRY_STORAGE_OSS_BUCKET",
        "REGISTRY_",
        "REGISTRY__",
        "REGISTRY_HEALTH_TCP_X",
    ],
)
def test_a_variable_that_is_no_option_is_a_warning(name: str) -> None:
    (warning,) = warned(BASE, {name: "tcp://172.17.0.2:5000"})
    assert warning.startswith(f"{name}: is not an option of the registry; ignored")


def test_the_version_is_not_changed_by_the_version_of_an_image() -> None:
    (warning,) = warned(BASE, {"REGISTRY_VERSION": "2.8.3"})
    assert warning == "REGISTRY_VERSION: does not change the version; ignored"


def test_variables_apply_without_a_file_too() -> None:
    configuration = load_config(
        None, {"REGISTRY_HTTP_ADDR": ":5001", "OTHER": "x", "REGISTRYHTTP": "y"}
    )
    assert configuration.http.addr == ":5001"
    assert configuration.warnings == ()


def test_a_file_that_is_wrong_stays_wrong_under_a_variable() -> None:
    problems = refused(BASE + "http: 5\nhealth: {tcp: 5}", {
        "REGISTRY_HTTP_ADDR": ":1", "REGISTRY_HEALTH_TCP_0_ADDR": "a:1",
    })  # fmt: skip
    assert [problem.split(": ")[1] for problem in problems] == ["http", "health.tcp"]


def test_an_alias_is_overridden_in_one_place_only() -> None:
    text = BASE + (
        "http: {headers: {X-A: &v [a], X-B: *v}}"
    )  # fmt: skip
    headers = read(text, {"REGISTRY_HTTP_HEADERS_X-B_0": "b"}).http.headers
    assert headers == {"X-A": ("a",), "X-B": ("b",)}


printable = st.text(
    st.characters(
        min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("C", "Z")
    ),
    max_size=20,
)


@settings(deadline=None)
@given(printable.filter(lambda text: text.strip("~ ")))
def test_quoted_text_arrives_as_it_is(text: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    by_variable = read(BASE, {"REGISTRY_HTTP_SECRET": quoted})
    by_file = read(f"{BASE}http: {{secret: {quoted}}}")
    assert by_variable.http.secret == by_file.http.secret == Secret(text)


@settings(deadline=None)
@given(st.text(max_size=40).filter(lambda text: "\0" not in text))
def test_any_text_in_a_variable_is_a_secret(text: str) -> None:
    assert read(BASE, {"REGISTRY_HTTP_SECRET": text}).http is not None
