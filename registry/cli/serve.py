"""``registry serve``: run the registry in the foreground until it is told to stop."""

from __future__ import annotations

import argparse
import sys

from registry.cli.launch import Launch, log_observer, port_number
from registry.cli.running import Running
from registry.config.errors import ConfigError
from registry.service.log import start_logging

HELP = "run the registry in the foreground"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument(
        "config",
        nargs="?",
        metavar="CONFIG",
        help="Distribution's config.yml; without it 127.0.0.1:5000 and ./registry-data",
    )
    parser.add_argument("--port", type=port_number, help="listen on this port instead")
    parser.add_argument("--storage", metavar="DIR", help="store in DIR instead")


def run(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; the exit status."""
    launch = Launch(path=options.config, port=options.port, storage=options.storage)
    try:
        config = launch.configuration()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    from twisted.internet import reactor

    observer = log_observer(config)
    start_logging(observer)
    running = Running(launch=launch, config=config, observer=observer, reactor=reactor)
    reactor.callWhenRunning(running.start)
    reactor.addSystemEventTrigger("before", "shutdown", running.stop)
    reactor.run()
    if running.failure is None:
        return 0
    print(f"registry: cannot start: {running.failure.value}", file=sys.stderr)
    return 1
