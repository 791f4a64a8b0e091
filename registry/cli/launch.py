"""What the command line says about the registry, whichever verb it is for."""

from __future__ import annotations

import os
import sys

import attrs

from registry.config.listen import TCPAddress
from registry.config.load import load_config
from registry.config.schema import Configuration
from registry.config.storage import Filesystem
from registry.service.log import LogObserver


@attrs.frozen(kw_only=True)
class Launch:
    """What the command line says: where the configuration is, and what goes on top."""

    path: str | None
    port: int | None
    """Replaces the port of ``http.addr``."""

    storage: str | None
    """A directory that replaces the whole driver."""

    def configuration(self) -> Configuration:
        """The configuration as files and environment are now. Raises ConfigError."""
        config = load_config(self.path, os.environ)
        if self.port is not None:
            config = _at_port(config, self.port)
        if self.storage is not None:
            config = _stored_in(config, self.storage)
        return config


def _at_port(config: Configuration, port: int) -> Configuration:
    listen = config.http.listen
    host = listen.host if isinstance(listen, TCPAddress) else "127.0.0.1"
    http = attrs.evolve(config.http, addr=str(TCPAddress(host, port)), net="tcp")
    return attrs.evolve(config, http=http)


def _stored_in(config: Configuration, directory: str) -> Configuration:
    filesystem = config.storage.filesystem or Filesystem()
    driver = attrs.evolve(filesystem, rootdirectory=directory)
    storage = attrs.evolve(config.storage, inmemory=None, filesystem=driver)
    return attrs.evolve(config, storage=storage)


def log_observer(config: Configuration) -> LogObserver:
    """What writes the log to standard error as ``log.*`` asks."""
    log = config.log
    return LogObserver(
        stream=sys.stderr,
        level=log.level,
        formatter=log.formatter,
        fields=log.fields,
        reports_caller=log.reportcaller,
    )


def port_number(text: str) -> int:
    """A TCP port. Raises ValueError with what to write."""
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise ValueError("a port is a number from 0 to 65535")
    return int(text)
