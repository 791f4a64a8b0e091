"""``registry serve``: run the registry in the foreground until it is told to stop."""

from __future__ import annotations

import argparse
import os
import sys

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from registry.cli.launch import launch_configuration, log_observer, port_number
from registry.config.errors import ConfigError
from registry.service.app import App
from registry.service.log import start_logging
from registry.service.notify import notifier_from

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
    try:
        config = launch_configuration(
            options.config, port=options.port, storage=options.storage
        )
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    from twisted.internet import reactor

    start_logging(log_observer(config))
    app = App(
        config=config,
        reactor=reactor,  # type: ignore[arg-type]  # a module
        notifier=notifier_from(os.environ),
    )
    failures: list[Failure] = []

    def start() -> None:
        def failed(reason: Failure) -> None:
            failures.append(reason)
            reactor.stop()

        Deferred.fromCoroutine(app.start()).addErrback(failed)

    def stop() -> Deferred[None]:
        return Deferred.fromCoroutine(app.stop())

    reactor.callWhenRunning(start)
    reactor.addSystemEventTrigger("before", "shutdown", stop)
    reactor.run()
    for failure in failures:
        print(f"registry: cannot start: {failure.value}", file=sys.stderr)
    return 1 if failures else 0
