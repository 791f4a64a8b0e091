"""The servers that are compared: how each is configured and started."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import Protocol

import attrs

from benchmarks import headers
from benchmarks.certificate import Certificate
from benchmarks.connection import Address, Connection
from benchmarks.failure import LoadFailed
from benchmarks.process import Process
from benchmarks.tree import RegistryTree, StaticTree, Tree
from registry.testing.programs import free_port

START_PATIENCE = 30
"""Seconds that a server has until its first answer."""

OURS = "registry"
THEIRS = "docker-registry"
STATIC = "nginx"


class Program(Protocol):
    """A server that can be started any number of times."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def is_registry(self) -> bool:
        """Whether it takes pushes and lists names, not only serves files."""

    def version(self) -> str:
        """What it says of itself."""

    def tree(self, root: Path) -> Tree:
        """What draws the directory that it serves."""

    def configure(
        self, directory: Path, root: Path, port: int, certificate: Certificate | None
    ) -> list[str]:
        """Write its configuration into ``directory``; the command that starts it."""


@attrs.frozen
class Registry:
    """A registry that takes Distribution's ``config.yml``: ours and Debian's."""

    name: str
    binary: list[str]
    is_registry: bool = True

    def version(self) -> str:
        """The first line of ``--version``."""
        return _first_line([*self.binary, "--version"])

    def tree(self, root: Path) -> Tree:
        """Distribution's layout."""
        return RegistryTree(root)

    def configure(
        self, directory: Path, root: Path, port: int, certificate: Certificate | None
    ) -> list[str]:
        """No authentication, no access log, descriptors cached in memory."""
        lines = [
            "version: 0.1",
            "log: {level: error, accesslog: {disabled: true}}",
            "storage:",
            "  cache: {blobdescriptor: inmemory}",
            f"  filesystem: {{rootdirectory: {root}}}",
            "http:",
            f"  addr: 127.0.0.1:{port}",
            "  secret: only-for-measuring",
        ]
        if certificate is not None:
            lines += [
                "  tls:",
                f"    certificate: {certificate.certificate}",
                f"    key: {certificate.key}",
            ]
        config = directory / "config.yml"
        config.write_text("\n".join([*lines, ""]))
        return [*self.binary, "serve", str(config)]


NGINX_CONFIG = """
daemon off;
user root;
worker_processes 2;
pid {directory}/nginx.pid;
error_log {directory}/error.log error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  types {{ }}
  default_type application/octet-stream;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port}{tls};
    root {root};
    location = /v2/ {{ return 200 "{{}}"; }}
    location ~ /manifests/ {{
      default_type application/vnd.oci.image.manifest.v1+json;
    }}
  }}
}}
"""


@attrs.frozen
class Nginx:
    """Static files of the same sizes at the same paths: what the machine can do."""

    binary: str
    name: str = STATIC
    is_registry: bool = False

    def version(self) -> str:
        """What ``-v`` prints."""
        return _first_line([self.binary, "-v"])

    def tree(self, root: Path) -> Tree:
        """A document root."""
        return StaticTree(root)

    def configure(
        self, directory: Path, root: Path, port: int, certificate: Certificate | None
    ) -> list[str]:
        """Two workers, sendfile, no access log, everything below ``directory``."""
        tls = ""
        if certificate is not None:
            tls = (
                f" ssl; ssl_certificate {certificate.certificate};"
                f" ssl_certificate_key {certificate.key}"
            )
        config = directory / "nginx.conf"
        config.write_text(
            NGINX_CONFIG.format(directory=directory, root=root, port=port, tls=tls)
        )
        log = str(directory / "error.log")
        return [self.binary, "-p", str(directory), "-e", log, "-c", str(config)]


@attrs.define(kw_only=True)
class Server:
    """A program on one tree; it can be started and stopped any number of times."""

    program: Program
    root: Path
    directory: Path
    certificate: Certificate | None
    _process: Process | None = None
    _address: Address | None = None

    @property
    def name(self) -> str:
        """The name of the program."""
        return self.program.name

    @property
    def process(self) -> Process:
        """The running process. Raises LoadFailed when there is none."""
        if self._process is None:
            raise LoadFailed("the server was not started")
        return self._process

    @property
    def address(self) -> Address:
        """Where it listens since its last start."""
        if self._address is None:
            raise LoadFailed("the server was not started")
        return self._address

    def start(self) -> None:
        """Start it on a free port of the loopback; it may not answer yet."""
        self.stop()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(parents=True, exist_ok=True)
        port = free_port()
        command = self.program.configure(
            self.directory, self.root, port, self.certificate
        )
        trusted = str(self.certificate.certificate) if self.certificate else None
        self._address = Address(port, trusted)
        self._process = Process(command=command, directory=self.directory)

    def ensure(self) -> None:
        """Start it unless it runs, and wait until it answers."""
        if self._process is None or not self._process.alive:
            self.start()
            self.await_answer()

    def stop(self) -> None:
        """Stop it if it runs."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def await_answer(self, path: str = "/v2/") -> float:
        """Ask until it answers 200; the ``time.perf_counter`` of that moment."""
        deadline = time.perf_counter() + START_PATIENCE
        while time.perf_counter() < deadline:
            self.process.require_alive()
            try:
                connection = Connection(self.address)
            except ConnectionRefusedError:
                time.sleep(0.001)
                continue
            answer, _ = connection.ask("GET", path, headers.MANIFEST)
            answered = time.perf_counter()
            connection.close()
            if answer.status != 200:
                raise LoadFailed(f"GET {path} was answered {answer.status}, not 200")
            return answered
        raise LoadFailed(f"no answer in {START_PATIENCE} s: {self.process.tail()}")


def programs(registry: str) -> list[Program]:
    """Ours, Debian's and nginx, in the order in which they take turns.

    Raises LoadFailed when one is not installed.
    """
    binary = shlex.split(registry)
    for needed in [binary[0], THEIRS, STATIC, "wrk", "ab", "openssl"]:
        if shutil.which(needed) is None:
            raise LoadFailed(
                f"{needed} is not installed; install the project, and"
                " docker-registry nginx-light wrk apache2-utils openssl from Debian"
            )
    return [
        Registry(OURS, binary),
        Registry(THEIRS, [THEIRS]),
        Nginx(shutil.which(STATIC) or STATIC),
    ]


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0] if lines else "version unknown"
