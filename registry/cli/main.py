"""``registry``: finds the verb and runs it.

Every module in ``VERBS`` has ``HELP``, ``add_arguments(parser)`` and
``run(options) -> int``, the exit status. A new verb is a file and a line here.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from registry import __version__
from registry.service.passed_names import name_passed_sockets

VERBS = {
    "serve": "registry.cli.serve",
    "check-config": "registry.cli.check_config",
    "verify": "registry.cli.verify",
}

INTERRUPTED = 130
"""The exit status of a program that SIGINT ended, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the verb that ``arguments`` name; the exit status."""
    name_passed_sockets(os.environ)
    try:
        options = _parser().parse_args(arguments)
        status: int = options.run(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="registry", description="A container registry appliance."
    )
    parser.add_argument(
        "--version",
        "-v",
        action="version",
        version=f"registry {__version__} (python {sys.version.split()[0]})",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, module in VERBS.items():
        verb = _imported(module)
        one = verbs.add_parser(name, help=verb.HELP, description=verb.HELP)
        verb.add_arguments(one)
        one.set_defaults(run=verb.run)
    return parser


def _imported(module: str) -> ModuleType:
    """The module, and all that it needs, made without looking for garbage.

    There is none, and the search takes a tenth of the start. What modules are made of
    stays, so it is never searched later either.
    """
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.freeze()
        gc.enable()


if __name__ == "__main__":
    sys.exit(main())
