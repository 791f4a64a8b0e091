"""``registry check-config FILE``: whether a registry would start with a configuration.

Environment variables count as they do when it starts. Exit status 0 means valid, 1 not.
"""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, Namespace

from registry.config.errors import ConfigError
from registry.config.load import load_config
from registry.config.show import show
from registry.service.tls import TLSRefused, load

HELP = "say whether a configuration file is right, and what is wrong with it"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the file and ``--print``."""
    parser.add_argument(
        "config",
        nargs="?",
        metavar="CONFIG",
        help="the file to check; without it, what the registry would use without one",
    )
    parser.add_argument(
        "--print",
        action="store_true",
        dest="show",
        help="show the options in effect, as YAML and without secrets",
    )


def run(options: Namespace) -> int:
    """Say whether the configuration is valid, or each thing that is wrong with it."""
    try:
        configuration = load_config(options.config, os.environ)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 1
    for warning in configuration.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    try:
        loaded = load(configuration.http.tls)
    except TLSRefused as error:
        print(f"{configuration.source}: http.tls: {error}", file=sys.stderr)
        return 1
    overdue = None if loaded is None else loaded[1].warning(time.time())
    if overdue is not None:
        file = configuration.http.tls.certificate
        print(f"warning: {file} (http.tls.certificate) {overdue}", file=sys.stderr)
    comment = "# " if options.show else ""
    print(f"{comment}{configuration.source} is valid")
    if options.show:
        print(show(configuration), end="")
    return 0
