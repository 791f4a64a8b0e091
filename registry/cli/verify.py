"""``registry verify CONFIG``: whether a whole store is sound, and what is wrong.

It only reads, unless told to repair, and may run beside a registry that serves. Exit
status 0: sound; 1: damage was found, and is not mended; 2: it could not be told.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from registry.cli.launch import Launch
from registry.config.errors import ConfigError

if TYPE_CHECKING:
    from registry.service.verify import Progress, StoreVerification
    from registry.service.verify_report import Report

HELP = "check a whole store: contents, links, and that everything can be reached"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what to look at, and what to do about it."""
    parser.add_argument(
        "config",
        nargs="?",
        metavar="CONFIG",
        help="the configuration of the registry; without it ./registry-data",
    )
    parser.add_argument("--storage", metavar="DIR", help="look at DIR instead")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line, the sum last"
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="make the safe repairs; only while no registry serves the store",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what --repair would do"
    )
    parser.add_argument(
        "--workers",
        type=_count,
        default=4,
        metavar="N",
        help="how many files to read at once (4)",
    )


def run(options: Namespace) -> int:
    """Look at the store; the exit status."""
    # imported here, so that a registry that serves starts without
    from twisted.internet import reactor as module

    from registry.service.verify import StoreVerification, command_workers
    from registry.service.verify_report import UNKNOWN, Report

    launch = Launch(path=options.config, port=None, storage=options.storage)
    try:
        config = launch.configuration()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return UNKNOWN
    reactor: Any = module
    report = Report(out=sys.stdout, aside=sys.stderr, is_json=options.json)
    verification = StoreVerification(
        config=config,
        workers=command_workers(reactor, options.workers),
        clock=reactor,
        told=report,
        at_once=options.workers,
        repairs=options.repair or options.dry_run,
        is_dry=options.dry_run,
    )
    return _carried_out(verification, report, reactor)


def _carried_out(
    verification: StoreVerification,
    report: Report,
    reactor: Any,  # noqa: ANN401 - a module
) -> int:
    bar = LoopingCall(report.show_progress)

    def watch(progress: Progress) -> None:
        report.progress = progress
        if report.has_bar:
            bar.start(0.2)

    def ended(outcome: bool | Failure) -> None:
        if bar.running:
            bar.stop()
        report.end(outcome)
        reactor.stop()

    def begin() -> None:
        Deferred.fromCoroutine(verification.run(watch)).addBoth(ended)

    reactor.callWhenRunning(begin)
    reactor.run()
    return report.status


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise ArgumentTypeError("the number of workers is from 1 to 64")
    return int(text)
