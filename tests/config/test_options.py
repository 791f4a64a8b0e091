"""Every group of keys: what is accepted, what it becomes, what is refused."""

import ipaddress
from operator import attrgetter

import pytest
from reading import BASE, read, refused

from registry.config.load import default_configuration
from registry.config.secret import Secret

MIB = 2**20

ACCEPTED = [
    # log
    ("log: {level: debug}", "log.level", "debug"),
    ("log: {level: WARN}", "log.level", "warn"),
    ("log: {formatter: logstash}", "log.formatter", "logstash"),
    ("log: {fields: {a: b, n: 5, t: 10:30, d: 2024-01-01, q: '5'}}", "log.fields",
     {"a": "b", "n": 5, "t": "10:30", "d": "2024-01-01", "q": "5"}),
    ("log: {fields: {a: {b: [1, ~, x]}, f: 1.5, t: true, e: }}", "log.fields",
     {"a": {"b": (1, None, "x")}, "f": 1.5, "t": True, "e": None}),
    ("log: {accesslog: {disabled: yes}}", "log.accesslog.disabled", True),
    ("log: {reportcaller: on}", "log.reportcaller", True),
    ("log: {hooks: [{disabled: true, type: mail, levels: [panic]}]}",
     "log.hooks", read(BASE + "log: {hooks: [{disabled: true, levels: [panic]}]}")
     .log.hooks),
    ("log:", "log.level", "info"),
    # auth
    ("auth: none", "auth.token", None),
    ("auth: {none: {}}", "auth.htpasswd", None),
    ("auth:", "auth.none", None),
    # http
    ("http: {addr: ':5000'}", "http.listen.endpoint", "tcp:port=5000"),
    ("http: {addr: 10.0.0.1:80}", "http.listen.endpoint",
     "tcp:port=80:interface=10.0.0.1"),
    ("http: {addr: 'localhost:80'}", "http.listen.host", "localhost"),
    ("http: {addr: '[::1]:80'}", "http.listen.endpoint",
     "tcp6:port=80:interface=\\:\\:1"),
    ("http: {addr: /run/r:1.sock, net: unix}", "http.listen.endpoint",
     "unix:address=/run/r\\:1.sock"),
    ("http: {addr: 'systemd:domain=INET:index=0'}", "http.listen.endpoint",
     "systemd:domain=INET:index=0"),
    ("http: {addr: 'unix:/run/x.sock:mode=660'}", "http.listen.endpoint",
     "unix:/run/x.sock:mode=660"),
    ("http: {host: 'https://r.example.org:8443/'}", "http.host",
     "https://r.example.org:8443"),
    ("http: {host: ''}", "http.host", None),
    ("http: {prefix: /a/b/}", "http.prefix", "/a/b/"),
    ("http: {secret: 0123}", "http.secret", Secret("0123")),
    ("http: {secret: yes}", "http.secret", Secret("yes")),
    ("http: {relativeurls: true}", "http.relativeurls", True),
    ("http: {draintimeout: 1m30s}", "http.draintimeout", 90.0),
    ("http: {headers: {X-A: [b, 'c: d']}}", "http.headers", {"X-A": ("b", "c: d")}),
    ("http: {tls: {certificate: /c, key: /k, minimumtls: tls1.3}}",
     "http.tls.minimumtls", "tls1.3"),
    ("http: {tls: {ciphersuites: [TLS_RSA_WITH_AES_128_CBC_SHA]}}",
     "http.tls.ciphersuites", ("TLS_RSA_WITH_AES_128_CBC_SHA",)),
    ("http: {tls: {clientauth: request-client-cert}}", "http.tls.clientauth",
     "request-client-cert"),
    ("http: {debug: {addr: ':5001', prometheus: {enabled: true, path: /m}}}",
     "http.debug.prometheus.path", "/m"),
    ("http: {debug: {addr: ':5001'}}", "http.debug.listen.port", 5001),
    ("http: {trustedproxies: [10.0.0.0/8, 'fd00::/8', 127.0.0.1]}",
     "http.trustedproxies",
     (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"),
      ipaddress.ip_network("127.0.0.1/32"))),
    ("http: {limits: {header: 64KiB, headers: 50, url: 4096}}", "http.limits.header",
     65536),
    ("http: {limits: {bodyrate: 0, sendrate: 2KiB, memory: 8MiB, ranges: 1}}",
     "http.limits.memory", 8 * MIB),
    (("http: {limits: {connections: 0, connectionsperaddress: 5, requests: 9,"
      " requestsperaddress: 2, uploads: 0, uploadsperrepository: 7}}"),
     "http.limits.uploadsperrepository", 7),
    ("http: {limits: {exempt: [192.0.2.0/24]}}", "http.limits.exempt",
     (ipaddress.ip_network("192.0.2.0/24"),)),
    ("http: {limits: {exempt: []}}", "http.limits.exempt", ()),
    ("http: {timeouts: {takeover: 1s}}", "http.timeouts.takeover", 1.0),
    ("http: {proxyheader: forwarded}", "http.proxyheader", "Forwarded"),
    ("validation: {namelimit: 64, taglimit: 30}", "validation.taglimit", 30),
    ("validation: {manifests: {depthlimit: 20, indexes: {depthlimit: 3}}}",
     "validation.manifests.indexes.depthlimit", 3),
    ("http: {timeouts: {header: 5s, idle: 0, body: 1m, send: 500ms}}",
     "http.timeouts.send", 0.5),
    # health
    ("health: {storagedriver: {enabled: true, interval: 0, threshold: 3}}",
     "health.storagedriver.interval", 10.0),
    ("health: {file: [{file: /f, interval: 5s, threshold: 1}]}",
     "health.file", read(BASE + "health: {file: [{file: /f, interval: 5s, "
     "threshold: 1}]}").health.file),
    ("health: {http: [{uri: 'http://x/', headers: {A: [b]}, timeout: 3s}]}",
     "health.http", read(BASE + "health: {http: [{uri: 'http://x/', timeout: 3s, "
     "headers: {A: [b]}, statuscode: 200}]}").health.http),
    ("health: {tcp: [{addr: 'r:6379', timeout: 3s, interval: 10s, threshold: 3}]}",
     "health.file", ()),
    # listings
    ("catalog: {maxentries: -1}", "catalog.maxentries", 1000),
    ("catalog: {maxentries: 5}", "catalog.maxentries", 5),
    ("tags: {maxtags: 0}", "tags.maxtags", 1000),
    # validation
    ("validation: {disabled: true}", "validation.disabled", True),
    ("validation: {manifests: {urls: {allow: ['^https?://'], deny: [x]}}}",
     "validation.manifests.urls.allow", ("^https?://",)),
    ("validation: {manifests: {indexes: {platforms: List, platformlist: []}}}",
     "validation.manifests.indexes.platforms", "list"),
    ("validation: {manifests: {sizelimit: 8MiB, references: optional}}",
     "validation.manifests.sizelimit", 8 * MIB),
    # later ones, unused
    ("notifications: {events: {includereferences: true}}",
     "notifications.events.includereferences", True),
    ("notifications: {endpoints: [{name: a, url: 'http://a/', disabled: true}]}",
     "redis.addrs", ()),
    ("redis: {db: 1, dialtimeout: 5s, tls: {rootcas: [/a]}}", "redis.dialtimeout", 5.0),
    ("proxy: {remoteurl: '', ttl: 0, exec: {command: x, lifetime: 1h}}", "proxy.ttl",
     0.0),
    ("middleware: {storage: [{name: redirect, disabled: true}]}", "redis.db", 0),
    ("policy: {repository: {classes: []}}", "policy.repository.classes", ()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "value"), ACCEPTED)
def test_an_option_is_read(text: str, path: str, value: object) -> None:
    assert attrgetter(path)(read(BASE + text)) == value


STORAGE = [
    ("storage: filesystem", "filesystem.rootdirectory", "/var/lib/registry"),
    ("storage: {filesystem: }", "filesystem.maxthreads", 100),
    ("storage: {filesystem: {durability: full}}", "filesystem.durability", "full"),
    ("storage: {filesystem: {rootdirectory: /r, maxthreads: 5}}",
     "filesystem.maxthreads", 25),
    ("storage: {inmemory: {}, delete: {enabled: true}}", "delete.enabled", True),
    ("storage: {inmemory: , redirect: {disable: true}}", "redirect.disable", True),
    ("storage: {inmemory: , cache: {blobdescriptor: inmemory}}",
     "cache.blobdescriptor", "inmemory"),
    ("storage: {inmemory: , cache: {blobdescriptor: ''}}",
     "cache.blobdescriptor", None),
    ("storage: {inmemory: , cache: {blobdescriptorsize: 0, size: 1GiB}}",
     "cache.size", 2**30),
    ("storage: {inmemory: , tag: {concurrencylimit: 8}}", "tag.concurrencylimit", 8),
    ("storage: {inmemory: , maintenance: {uploadpurging: {age: 1h}}}",
     "maintenance.uploadpurging.enabled", True),
    ("storage: {inmemory: , maintenance: {uploadpurging: {interval: 0}}}",
     "maintenance.uploadpurging.interval", 86400.0),
    ("storage: {inmemory: , maintenance: {readonly: {enabled: true}}}",
     "maintenance.readonly.enabled", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "value"), STORAGE)
def test_a_storage_option_is_read(text: str, path: str, value: object) -> None:
    assert attrgetter(path)(read(f"version: 0.1\n{text}\n").storage) == value


REFUSED = [
    ("log: {level: loud}", "c.yml:3:14: log.level: must be one of error, warn, info"),
    ("log: {reportcaller: maybe}", "c.yml:3:21: log.reportcaller: must be"),
    ("log: {reportcaller: yES}", "log.reportcaller: must be true or false"),
    ("log: [level]", "c.yml:3:6: log: takes a mapping with level, formatter"),
    ('log: {fields: {a: ["\\x1b"]}}', "log.fields.a.0: must not hold control"),
    ("http: {secret: [a]}", "http.secret: takes one secret, not a list"),
    ("http: {headers: {X-A: [~]}}", "http.headers.X-A.0: needs a value: text"),
    ('http: {tls: {key: "a\\nb"}}', "http.tls.key: must be one line of text"),
    ("auth: {none: {realm: a}}", "auth.none.realm: is not an option; there are none"),
    ("http: {headers: {X-A: }}", "X-A: takes a list such as [a, b], not nothing"),
    ("http: {addr: {a: b}}", "http.addr: takes one text, not a mapping"),
    ("log: {fields: 5}", "c.yml:3:15: log.fields: takes a mapping such as {a: b}"),
    ("auth: {none: {}, silly: {realm: a, service: b}}", "auth: names none (c.yml:3:8)"),
    ("auth: {token: {realm: a, service: b, issuer: c}}",
     "c.yml:3:15: auth.token: needs rootcertbundle or jwks"),
    ("auth: {htpasswd: {realm: a}}", "c.yml:3:18: auth.htpasswd.path: is required"),
    ("auth: token", "c.yml:3:7: auth.token.realm: is required"),
    ("auth: {basic: {}}", "auth.basic: is not an option"),
    ("http: {addr: 5000}", "c.yml:3:8: http.addr: must be host:port"),
    ("http: {addr: ':66000'}", "http.addr: must be host:port"),
    ("http: {addr: 'a:b:5'}", "http.addr: must be host:port"),
    ("http: {addr: [a]}", "c.yml:3:14: http.addr: takes one text, not a list"),
    ("http: {net: udp}", "http.net: must be one of tcp, unix"),
    ("http: {host: registry.example.org}", "http.host: must be a URL that begins with"),
    ("http: {host: 'https://u@h/'}", "http.host: must be a URL without user"),
    ("http: {host: 'https://[/'}", "http.host: is not a URL"),
    ("http: {prefix: a}", "http.prefix: must be a path with a slash at both ends"),
    ("http: {prefix: /../}", "http.prefix: must be a path with a slash at both ends"),
    ("http: {draintimeout: 5 minutes}", "http.draintimeout: write a duration such as"),
    ("http: {draintimeout: -5s}", "http.draintimeout: must not be negative"),
    ("http: {headers: {X-A: b}}", "http.headers.X-A: takes a list such as [a, b]"),
    ("http: {headers: {'X A': [b]}}", "http.headers.X A: is not the name of an HTTP"),
    ('http: {headers: {X-A: ["a\\nB: c"]}}', "http.headers.X-A.0: must be one line"),
    ("http: {headers: {X-A: [a], Content-length: ['5']}}",
     "c.yml:3:28: http.headers.Content-length: is set by the registry itself"),
    ("http: {addr: '[::zz]:5'}", "http.addr: must be host:port"),
    ("http: {host: 'https://ü.example.org'}", "http.host: must be ASCII without"),
    ("http: {tls: {certificate: /c}}", "c.yml:3:14: http.tls.certificate: needs http"),
    ("http: {tls: {key: /k}}", "c.yml:3:14: http.tls.key: needs http.tls.certificate"),
    ("http: {tls: {minimumtls: tls1.0}}", "minimumtls: must be one of tls1.2, tls1.3"),
    ("http: {tls: {ciphersuites: [TLS_RSA_WITH_RC4_128_SHA]}}",
     "c.yml:3:29: http.tls.ciphersuites.0: is not a cipher suite that can be used"),
    ("http: {tls: {certificate: /c, key: /k, letsencrypt: {cachefile: /l}}}",
     "http.tls.letsencrypt: excludes http.tls.certificate"),
    ("http: {debug: {addr: x}}", "http.debug.addr: must be host:port"),
    ("http: {debug: {prometheus: {path: m}}}", "prometheus.path: must begin with a"),
    ("http: {trustedproxies: [10.0.0.1/8]}",
     "trustedproxies.0: must be a network such"),
    ("http: {limits: {headers: 0}}", "http.limits.headers: must be at least 1"),
    ("http: {limits: {header: 1KB}}", "http.limits.header: write bytes, or a number"),
    ("http: {limits: {memory: 1}}", "http.limits.memory: must be at least 1MiB"),
    ("http: {limits: {connections: -1}}", "limits.connections: must be at least 0"),
    ("http: {proxyheader: Via}", "http.proxyheader: must be one of X-Forwarded-For"),
    ("validation: {namelimit: 256}", "namelimit: must be at least 1 and at most 255"),
    ("validation: {taglimit: 0}", "taglimit: must be at least 1 and at most 128"),
    ("validation: {manifests: {depthlimit: 3}}", "depthlimit: must be at least 4"),
    ("http: {limits: {url: 10}}", "http.limits.url: must be at least 256"),
    ("health: {file: [{}]}", "c.yml:3:17: health.file.0.file: is required"),
    ("health: {http: [{uri: 'ftp://x'}]}", "health.http.0.uri: must be a URL"),
    ("health: {tcp: [{addr: x}]}", "health.tcp.0.addr: must be host:port"),
    ("health: {tcp: [~]}", "health.tcp.0.addr: is required"),
    ("catalog: {maxentries: 1.5}", "catalog.maxentries: must be a whole number"),
    ("catalog: {maxentries: 010}",
     "maxentries: must be a whole number without leading"),
    ("catalog: {maxentries: 99999999999999999999}", "maxentries: is beyond 64 bits"),
    ("tags: {maxtags: -1}", "c.yml:3:17: tags.maxtags: must be at least 0"),
    ("validation: {manifests: {urls: {allow: ['(']}}}",
     "validation.manifests.urls.allow.0: is not a regular expression"),
    ("validation: {manifests: {sizelimit: 0}}", "sizelimit: must be at least 1"),
    ("validation: {manifests: {references: maybe}}",
     "must be one of required, optional"),
    ("redis: {db: x}", "redis.db: must be a whole number"),
    ("notifications: {endpoints: [{name: a}]}",
     "notifications.endpoints.0.url: is req"),
    ("http: {addr: }\nhtpp: {}",
     "c.yml:4:1: htpp: is not an option; did you mean http?"),
    ("http: {Addr: ':5000'}",
     "c.yml:3:8: http.Addr: is not an option; did you mean addr"),
    ("http: {zzz: 1}", "http.zzz: is not an option; there are: addr, net, host"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_a_bad_value_is_refused_with_its_place_and_what_to_write(
    text: str, message: str
) -> None:
    assert any(message in problem for problem in refused(BASE + text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "c.yml:1:1: holds nothing; it must begin with version: 0.1"),
        ("- a", "c.yml:1:1: holds a list; it must begin with version: 0.1"),
        ("storage: inmemory", "c.yml:1:1: version: is required"),
        ("version: 0.1", "c.yml:1:1: storage: is required"),
        ("version: 0.2\nstorage: inmemory", "c.yml:1:10: version: must be one of 0.1"),
        ("version: 0.1\nstorage: {}", "c.yml:2:10: storage: names none of filesystem"),
        ("version: 0.1\nstorage: {delete: {enabled: true}}", "storage: names none of"),
        ("version: 0.1\nstorage: floppy", "storage.floppy: is not an option"),
        ("version: 0.1\nstorage: {oss: {}, inmemory: }", "storage.oss: the driver was"),
    ],
)
def test_what_every_configuration_needs(text: str, message: str) -> None:
    assert any(message in problem for problem in refused(text))


def test_two_storage_drivers_are_refused_with_the_way_out() -> None:
    (problem,) = refused("version: 0.1\nstorage:\n  filesystem:\n  inmemory:\n")
    assert problem == (
        "c.yml:4:3: storage: names filesystem (c.yml:3:3), inmemory (c.yml:4:3);"
        " keep one, or set REGISTRY_STORAGE=inmemory to replace the whole section of"
        " the file"
    )


def test_all_that_is_wrong_is_said_at_once() -> None:
    text = (
        "version: 0.3\n"
        "storage:\n"
        "  filesystem:\n"
        "    maxthreads: many\n"
        "  filesystem: {}\n"
        "http:\n"
        "  adr: :5000\n"
        "  draintimeout: soon\n"
        "auth:\n"
        "  htpasswd: {realm: a, path: b}\n"
    )
    assert [problem.split(": ")[:2] for problem in refused(text)] == [
        ["c.yml:5:3", "storage.filesystem"],
        ["c.yml:1:10", "version"],
        ["c.yml:4:17", "storage.filesystem.maxthreads"],
        ["c.yml:10:3", "auth.htpasswd"],
        ["c.yml:7:3", "http.adr"],
        ["c.yml:8:17", "http.draintimeout"],
    ]


def test_what_is_wrong_in_one_section_does_not_hide_what_is_wrong_beside_it() -> None:
    text = BASE + "http: {addr: '0.0.0.0', tls: {key: /k, letsencrypt: {email: []}}}"
    assert [problem.split(": ")[1] for problem in refused(text)] == [
        "http.tls.letsencrypt.email",
        "http.tls.key",
        "http.addr",
    ]


def test_without_a_file_it_listens_here_and_stores_here() -> None:
    configuration = default_configuration()
    assert configuration.http.listen.endpoint == "tcp:port=5000:interface=127.0.0.1"
    assert configuration.storage.filesystem is not None
    assert configuration.storage.filesystem.rootdirectory == "./registry-data"
    assert configuration.auth.htpasswd is None
    assert configuration.warnings == ()


def test_a_bare_number_for_a_duration_is_nanoseconds_and_a_warning() -> None:
    configuration = read(BASE + "http: {draintimeout: 30}")
    assert configuration.http.draintimeout == 30e-9
    assert [str(warning) for warning in configuration.warnings] == [
        (
            "c.yml:3:22: http.draintimeout: a bare 30 means nanoseconds; write a unit,"
            " such as 30s"
        )
    ]


def test_secrets_are_not_in_the_repr() -> None:
    text = BASE + (
        "http: {secret: hunter2}\nredis: {password: hunter2}\n"
        "health: {http: [{uri: 'http://x/', headers: {A: [hunter2]}}]}\n"
    )
    configuration = read(text)
    assert "hunter2" not in repr(configuration)
    assert configuration.http.secret is not None
    assert configuration.http.secret.reveal() == "hunter2"
