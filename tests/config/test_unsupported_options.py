"""What this version does not do yet is refused when it is used, not ignored."""

import pytest
from reading import BASE, read, refused

NOT_YET = "is not yet supported; remove it to start without it"

USED = [
    ("auth: {htpasswd: {realm: a, path: /p}}", "c.yml:3:8: auth.htpasswd"),
    ("auth: {token: {realm: a, service: b, issuer: c, jwks: /j}}",
     "c.yml:3:8: auth.token"),
    ("auth: {silly: {realm: a, service: b}}", "c.yml:3:8: auth.silly"),
    ("middleware: {storage: [{name: redirect, options: {baseurl: 'http://x'}}]}",
     "c.yml:3:14: middleware.storage"),
    ("middleware: {registry: [{name: x}]}", "c.yml:3:14: middleware.registry"),
    ("middleware: {repository: [{name: x}]}", "c.yml:3:14: middleware.repository"),
    ("notifications: {endpoints: [{name: a, url: 'http://x'}]}",
     "c.yml:3:17: notifications.endpoints"),
    ("redis: {addrs: ['a:1']}", "c.yml:3:9: redis.addrs"),
    ("proxy: {remoteurl: 'https://registry-1.docker.io'}",
     "c.yml:3:9: proxy.remoteurl"),
    ("log: {hooks: [{type: mail, levels: [error]}]}", "c.yml:3:7: log.hooks"),
    ("http: {tls: {letsencrypt: {cachefile: /c, email: e, hosts: [h]}}}",
     "c.yml:3:14: http.tls.letsencrypt"),
    ("http: {tls: {certificate: /c, key: /k, clientcas: [/a]}}",
     "c.yml:3:40: http.tls.clientcas"),
    ("policy: {repository: {classes: [image]}}",
     "c.yml:3:23: policy.repository.classes"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place"), USED)
def test_an_option_that_is_used_is_refused_at_its_key(text: str, place: str) -> None:
    assert refused(BASE + text) == [f"{place}: {NOT_YET}"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("s3: {bucket: b, region: r}", "c.yml:2:11: storage.s3"),
        ("s3aws: {bucket: b, regionendpoint: e}", "c.yml:2:11: storage.s3aws"),
        ("gcs: {bucket: b, chunksize: 5MiB}", "c.yml:2:11: storage.gcs"),
        ("azure: {accountname: a, container: c}", "c.yml:2:11: storage.azure"),
        (
            "inmemory: , cache: {blobdescriptor: redis}",
            "c.yml:2:31: storage.cache.blobdescriptor",
        ),
    ],
)
def test_a_storage_that_is_used_is_refused_at_its_key(text: str, place: str) -> None:
    assert refused(f"version: 0.1\nstorage: {{{text}}}\n") == [f"{place}: {NOT_YET}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s3: {}", "storage.s3.bucket: is required"),
        ("s3: {bucket: b}", "storage.s3.region: is required unless regionendpoint"),
        ("s3: {bucket: b, region: r, chunksize: 1MiB}", "must be at least 5MiB"),
        (
            "s3: {bucket: b, region: r, storageclass: X}",
            "must be one of NONE, STANDARD",
        ),
        ("gcs: {bucket: b, chunksize: 300000}", "must be a multiple of 256KiB"),
        ("azure: {accountname: a}", "storage.azure.container: is required"),
    ],
)
def test_what_is_not_yet_supported_is_checked_all_the_same(
    text: str, message: str
) -> None:
    problems = refused(f"version: 0.1\nstorage: {{{text}}}\n")
    assert any(message in problem for problem in problems)


DEBIAN = """\
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/docker-registry
  delete:
    enabled: true
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
{auth}health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
"""
AUTH = "auth:\n  htpasswd:\n    realm: basic-realm\n    path: /etc/docker/registry\n"


def test_the_file_that_debian_installs_starts_but_for_its_htpasswd() -> None:
    assert refused(DEBIAN.replace("{auth}", AUTH)) == [
        f"c.yml:17:3: auth.htpasswd: {NOT_YET}"
    ]


def test_the_file_that_debian_installs_starts_without_its_htpasswd() -> None:
    configuration = read(DEBIAN.replace("{auth}", ""))
    assert configuration.warnings == ()
    assert configuration.storage.filesystem is not None
    assert configuration.storage.filesystem.rootdirectory == "/var/lib/docker-registry"
    assert configuration.storage.delete.enabled
    assert configuration.http.headers == {"X-Content-Type-Options": ("nosniff",)}
    assert configuration.health.storagedriver.threshold == 3
