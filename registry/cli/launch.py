"""What ``registry serve`` and ``twistd registry`` have in common."""

from __future__ import annotations

import os
import sys

import attrs

from registry.config.listen import TCPAddress
from registry.config.load import load_config
from registry.config.schema import Configuration
from registry.config.storage import Filesystem
from registry.service.log import LogObserver


def launch_configuration(
    path: str | None, *, port: int | None, storage: str | None
) -> Configuration:
    """The configuration at ``path`` with what the command line says on top.

    ``port`` replaces the port of ``http.addr``, ``storage`` the whole driver by a
    directory. Raises ConfigError.
    """
    config = load_config(path, os.environ)
    if port is not None:
        listen = config.http.listen
        host = listen.host if isinstance(listen, TCPAddress) else "127.0.0.1"
        addr = str(TCPAddress(host, port))
        http = attrs.evolve(config.http, addr=addr, net="tcp")
        config = attrs.evolve(config, http=http)
    if storage is not None:
        driver = attrs.evolve(
            config.storage,
            inmemory=None,
            filesystem=attrs.evolve(
                config.storage.filesystem or Filesystem(), rootdirectory=storage
            ),
        )
        config = attrs.evolve(config, storage=driver)
    return config


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
