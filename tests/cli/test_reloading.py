"""SIGHUP: a new configuration and new certificates, without a restart."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from registry.core.digest import Digest
from registry.core.mediatype import OCI_INDEX, OCI_MANIFEST
from registry.testing.registry_process import WAIT, WAYS, RegistryProcess

ABSENT = {
    "config": {"mediaType": "a/b", "digest": str(Digest.of(b"absent")), "size": 6},
    "layers": [],
}
"""The references of a manifest that nobody has pushed the blob of."""


def storing(root: Path, more: str) -> str:
    """The storage of before, with ``more`` options of it."""
    return f"storage: {{filesystem: {{rootdirectory: {root}/storage}}, {more}}}\n"


def reload(server: RegistryProcess, options: str, *, until: str = "reloaded") -> str:
    """Write ``options``, send the signal, and wait for the line about it."""
    server.configure(options)
    server.signal(signal.SIGHUP)
    return server.said(until)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RegistryProcess]:
    with RegistryProcess(root=str(tmp_path)) as server:
        yield server


@pytest.mark.parametrize("way", WAYS)
def test_the_log_and_headers_change_at_once(tmp_path: Path, way: str) -> None:
    with RegistryProcess(root=str(tmp_path), command=WAYS[way]) as server:
        assert "x-new" not in server.client.get("/v2/").headers
        said = reload(
            server,
            "log: {level: debug, formatter: json, fields: {place: attic}}\n"
            "http: {headers: {X-New: [here]}}\n",
        )
        assert said.startswith("{")
        assert "log.level, log.formatter, log.fields, http.headers" in said
        assert server.client.get("/v2/").header("X-New") == "here"
        assert '"place": "attic"' in server.said("response completed")
        assert server.stop() == 0


def test_the_access_log_can_be_switched_off_and_on(server: RegistryProcess) -> None:
    reload(server, "log: {accesslog: {disabled: true}}\n")
    server.client.get("/v2/?unseen").expect(200)
    reload(server, "")
    server.client.get("/v2/?seen").expect(200)
    server.said("/v2/?seen")
    assert "unseen" not in server.log


def test_deletes_can_be_allowed_and_a_registry_made_read_only(
    server: RegistryProcess, tmp_path: Path
) -> None:
    digest = server.client.push_blob("a", b"content")
    path = f"/v2/a/blobs/{digest}"
    server.client.request("DELETE", path).expect(405)
    reload(server, storing(tmp_path, "delete: {enabled: true}"))
    server.client.request("DELETE", path).expect(202)
    readonly = storing(tmp_path, "maintenance: {readonly: {enabled: true}}")
    reload(server, readonly)
    server.client.request("POST", "/v2/a/blobs/uploads/").expect(405)


def test_limits_and_timeouts_hold_for_new_connections(server: RegistryProcess) -> None:
    long = "/v2/" + "a" * 1000
    server.client.get(long).expect(404)
    reload(server, "http: {limits: {url: 300}}\n")
    server.client.get(long).expect(414)


def test_bounds_of_the_crowd_and_of_uploads_change(server: RegistryProcess) -> None:
    server.client.start_upload("a")
    limits = "{exempt: [], connectionsperaddress: 1, uploadsperrepository: 1}"
    reload(server, f"http: {{limits: {limits}}}\n")
    server.client.request("POST", "/v2/a/blobs/uploads/").expect(429)
    with the_only_connection(server):
        server.client.get("/v2/").expect(429)
    reload(server, "")
    server.client.start_upload("a")


def the_only_connection(server: RegistryProcess) -> socket.socket:
    """A connection that is answered, once the server knows that others have gone."""
    for _ in range(1000):
        only = socket.create_connection(("127.0.0.1", server.port), timeout=WAIT)
        only.sendall(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n")
        if only.recv(1000).startswith(b"HTTP/1.1 200 "):
            return only
        only.close()
    raise AssertionError("there is always another connection")


def test_health_checks_are_exchanged(server: RegistryProcess, tmp_path: Path) -> None:
    flag = tmp_path / "out-of-service"
    flag.touch()
    reload(server, f"health: {{file: [{{file: {flag}, interval: 100ms}}]}}\n")
    server.said("out-of-service fails")
    server.client.get("/v2/").expect(503)
    reload(server, "")
    server.client.get("/v2/").expect(200)


def test_what_manifests_must_refer_to_changes(server: RegistryProcess) -> None:
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST} | ABSENT).encode()
    server.client.push_manifest("a", "v1", body, OCI_MANIFEST).expect(400)
    reload(server, "validation: {manifests: {references: optional}}\n")
    server.client.push_manifest("a", "v1", body, OCI_MANIFEST).expect(201)


def test_the_size_of_pages_changes(server: RegistryProcess) -> None:
    for name in ("a", "b"):
        index = b'{"schemaVersion": 2, "manifests": []}'
        server.client.push_manifest(name, "v1", index, OCI_INDEX).expect(201)
    assert server.client.catalog() == ["a", "b"]
    reload(server, "catalog: {maxentries: 1}\n")
    assert server.client.catalog() == ["a"]


def test_the_reserve_changes(server: RegistryProcess, tmp_path: Path) -> None:
    reserve = "reserve: {size: 99.999%}"
    reload(
        server,
        f"storage: {{filesystem: {{rootdirectory: {tmp_path}/storage, {reserve}}}}}\n",
    )
    server.client.request("POST", "/v2/a/blobs/uploads/").expect(507)


def test_a_push_under_way_goes_on(server: RegistryProcess) -> None:
    session = server.client.start_upload("a")
    connection = HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
    connection.putrequest("PATCH", session.path)
    connection.putheader("Content-Length", "10")
    connection.endheaders(b"half ")
    reload(server, "http: {secret: another, headers: {X-New: [here]}}\n")
    connection.send(b"then.")
    assert connection.getresponse().status == 202
    connection.close()
    session.commit(b"half then.")


def test_a_mistake_changes_nothing_and_is_named_with_file_line_and_key(
    server: RegistryProcess,
) -> None:
    line = reload(
        server,
        "log: {level: debug}\nhttp:\n"
        "  headers: {X-New: [here]}\n  relativeurls: maybe\n",
        until="not reloaded",
    )
    assert "all stays as it was" in line
    assert f"{server.configuration}:6:17: http.relativeurls: must be true" in line
    assert "x-new" not in server.client.get("/v2/").headers
    assert "response completed" not in server.log
    os.unlink(server.configuration)
    server.signal(signal.SIGHUP)
    assert "cannot be read" in server.said("not reloaded")
    reload(server, "http: {headers: {X-New: [here]}}\n")
    assert server.client.get("/v2/").header("X-New") == "here"


def test_what_needs_a_restart_is_named_and_stays(
    server: RegistryProcess, tmp_path: Path
) -> None:
    server.client.push_blob("a", b"content")
    said = reload(
        server,
        f"storage: {{filesystem: {{rootdirectory: {tmp_path}/elsewhere}}}}\n"
        "http: {prefix: /new/, relativeurls: true}\n",
        until="when the registry is restarted",
    )
    assert "storage.filesystem.rootdirectory, http.prefix" in said
    answer = server.client.request("POST", "/v2/a/blobs/uploads/").expect(202)
    assert answer.header("Location").startswith("/v2/a/blobs/uploads/")
    server.client.blob("a", Digest.of(b"content")).expect(200)
    assert not (tmp_path / "elsewhere").exists()


def test_sessions_of_before_are_still_recognised(server: RegistryProcess) -> None:
    """Without ``http.secret`` the key that was made at the start is kept."""
    session = server.client.start_upload("a")
    first = session.location
    session.append(b"content").expect(202)
    reload(server, "http: {relativeurls: true}\n")
    server.client.request("PATCH", first, body=b"content").expect(416)


# certificates


def make_certificate(directory: Path, name: str, days: int = 100) -> None:
    """``tls.crt`` and ``tls.key`` for ``name``, good until ``days`` from now."""
    work = directory / name
    work.mkdir(exist_ok=True)
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-newkey", "ec"),
            *("-pkeyopt", "ec_paramgen_curve:P-256", "-days", str(days)),
            *("-subj", f"/CN={name}"),
            *("-keyout", str(work / "tls.key"), "-out", str(work / "tls.crt")),
        ],
        check=True,
        capture_output=True,
    )
    for file in ("tls.key", "tls.crt"):
        shutil.copy(work / file, directory / file)


@contextmanager
def served(port: int) -> Iterator[tuple[ssl.SSLSocket, str]]:
    """A connection, and the name in the certificate that it got."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", port), timeout=WAIT)
    with plain, context.wrap_socket(plain) as wrapped:
        der = wrapped.getpeercert(binary_form=True)
        assert der is not None
        yield wrapped, "new" if b"new" in der else "old"


def tls(directory: Path) -> str:
    paths = f"certificate: {directory}/tls.crt, key: {directory}/tls.key"
    return f"http: {{tls: {{{paths}}}}}\n"


def asked(connection: ssl.SSLSocket) -> bytes:
    connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n")
    return connection.recv(1000)


def test_a_new_certificate_is_for_new_connections(tmp_path: Path) -> None:
    make_certificate(tmp_path, "old")
    server = RegistryProcess(root=str(tmp_path), options=tls(tmp_path))
    with server, served(server.port) as (before, old):
        make_certificate(tmp_path, "new", days=3)
        server.signal(signal.SIGHUP)
        warning = server.said("renew it")
        assert "tls.crt (http.tls.certificate) expires at" in warning
        server.said("reloaded")
        with served(server.port) as (after, new):
            assert (old, new) == ("old", "new")
            assert b" 200 OK" in asked(after)
        assert b" 200 OK" in asked(before)


@pytest.mark.parametrize("wrong", ["missing", "torn", "unpaired"])
def test_a_wrong_certificate_leaves_the_old_one(tmp_path: Path, wrong: str) -> None:
    make_certificate(tmp_path, "old")
    with RegistryProcess(root=str(tmp_path), options=tls(tmp_path)) as server:
        if wrong == "missing":
            os.unlink(tmp_path / "tls.key")
        elif wrong == "torn":
            (tmp_path / "tls.crt").write_bytes(b"-----BEGIN CERT")
        else:
            make_certificate(tmp_path, "new")
            shutil.copy(tmp_path / "old/tls.key", tmp_path / "tls.key")
        server.signal(signal.SIGHUP)
        line = server.said("not reloaded")
        assert str(tmp_path / "tls.") in line
        assert "http.tls." in line
        with served(server.port) as (connection, name):
            assert name == "old"
            assert b" 200 OK" in asked(connection)


def test_whether_a_port_speaks_tls_needs_a_restart(
    server: RegistryProcess, tmp_path: Path
) -> None:
    make_certificate(tmp_path, "new")
    said = reload(server, tls(tmp_path), until="when the registry is restarted")
    assert "http.tls.certificate, http.tls.key" in said
    server.client.get("/v2/").expect(200)


@pytest.mark.parametrize("mistaken", [False, True])
def test_systemd_hears_of_a_reload(tmp_path: Path, *, mistaken: bool) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.settimeout(WAIT)
        environment = {"NOTIFY_SOCKET": path}
        with RegistryProcess(root=str(tmp_path), environment=environment) as server:
            assert systemd.recv(1000).startswith(b"READY=1\n")
            server.configure("nonsense: true\n" if mistaken else "")
            server.signal(signal.SIGHUP)
            reloading = systemd.recv(1000).splitlines()
            assert reloading[0] == b"RELOADING=1"
            assert reloading[1].startswith(b"MONOTONIC_USEC=")
            ready = systemd.recv(1000)
            assert ready.startswith(b"READY=1\nSTATUS=listening on")
            assert (b"the last reload failed" in ready) is mistaken


def test_a_signal_while_it_stops_does_no_harm(tmp_path: Path) -> None:
    patient = "http: {draintimeout: 1h}\n"
    server = RegistryProcess(root=str(tmp_path), options=patient)
    with server, socket.create_connection(("127.0.0.1", server.port)) as begun:
        begun.sendall(b"GET /v2/ HTTP/1.1\r\nHo")
        server.client.get("/v2/").expect(200)
        server.signal(signal.SIGTERM)
        server.said("requests in progress: 1")
        server.signal(signal.SIGHUP)
        begun.sendall(b"st: a\r\n\r\n")
        assert server.end() == 0
    assert "reloaded" not in server.log
