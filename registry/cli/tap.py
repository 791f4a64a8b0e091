"""``twistd registry``: the same appliance as a Twisted service."""

from __future__ import annotations

import atexit
import os
from typing import Any

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from registry.cli.launch import Launch, log_observer, port_number
from registry.cli.running import Running
from registry.config.errors import ConfigError
from registry.service.log import LogObserver

_OBSERVERS: list[LogObserver] = []
"""What ``configured_observer`` returns: twistd takes the name of a function only."""


def configured_observer() -> LogObserver:
    """The observer that ``log.*`` asks for; twistd calls this by name."""
    return _OBSERVERS[-1]


class Options(UsageOptions):
    """The command line of ``twistd registry``."""

    optParameters = [
        ["config", "c", None, "Distribution's config.yml; defaults without it"],
        ["port", "p", None, "listen on this port instead", port_number],
        ["storage", "s", None, "store in this directory instead"],
    ]

    def postOptions(self) -> None:
        """Read the configuration, and log as it says unless twistd was told how."""
        path = self["config"] and os.path.abspath(self["config"])
        self.launch = Launch(path=path, port=self["port"], storage=self["storage"])
        self.observer: LogObserver | None = None
        try:
            self.configuration = self.launch.configuration()
        except ConfigError as error:
            raise UsageError(str(error)) from error
        twistd = self.parent
        if twistd is not None and not (twistd.get("logger") or twistd.get("logfile")):
            self.observer = log_observer(self.configuration)
            _OBSERVERS[:] = [self.observer]
            twistd["logger"] = f"{__name__}.configured_observer"


class RegistryService(Service):
    """Runs under twistd, which daemonizes, writes its pid file and logs for it."""

    name = "registry"

    def __init__(self, *, running: Running, reactor: Any) -> None:  # noqa: ANN401 - a module
        self._running = running
        self._reactor = reactor
        self._log = Logger()

    def startService(self) -> None:
        """Start to serve, once the reactor runs."""
        super().startService()  # type: ignore[no-untyped-call]
        self._reactor.callWhenRunning(self._running.start)

    def stopService(self) -> Deferred[None]:
        """Stop serving; fires when storage has been let go."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._end_with_failure()
        return self._running.stop()

    def _end_with_failure(self) -> None:
        """Say why it could not start; twistd itself knows no failed start."""
        failure = self._running.failure
        if failure is not None:
            self._log.critical("cannot start: {why}", why=failure.getErrorMessage())
            atexit.register(os._exit, 1)


def makeService(options: Options) -> IService:
    """The service that ``options`` describe."""
    from twisted.internet import reactor

    running = Running(
        launch=options.launch,
        config=options.configuration,
        observer=options.observer,
        reactor=reactor,
    )
    return RegistryService(running=running, reactor=reactor)
