"""``twistd registry``: the same appliance as a Twisted service."""

from __future__ import annotations

import atexit
import os
from typing import Any

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from registry.cli.launch import launch_configuration, log_observer, port_number
from registry.config.errors import ConfigError
from registry.service.app import App
from registry.service.log import LogObserver
from registry.service.notify import notifier_from

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
        try:
            self.configuration = launch_configuration(
                self["config"], port=self["port"], storage=self["storage"]
            )
        except ConfigError as error:
            raise UsageError(str(error)) from error
        twistd = self.parent
        if twistd is not None and not (twistd.get("logger") or twistd.get("logfile")):
            _OBSERVERS[:] = [log_observer(self.configuration)]
            twistd["logger"] = f"{__name__}.configured_observer"


class RegistryService(Service):
    """An App under twistd, which daemonizes, writes its pid file and logs for it."""

    name = "registry"

    def __init__(self, *, app: App, reactor: Any) -> None:  # noqa: ANN401 - a module
        self._app = app
        self._reactor = reactor
        self._log = Logger()

    def startService(self) -> None:
        """Start to serve, once the reactor runs."""
        super().startService()  # type: ignore[no-untyped-call]
        self._reactor.callWhenRunning(self._start)

    def _start(self) -> None:
        Deferred.fromCoroutine(self._app.start()).addErrback(self._failed)

    def stopService(self) -> Deferred[None]:
        """Stop serving; fires when storage has been let go."""
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._app.stop())

    def _failed(self, reason: Failure) -> None:
        """Say why, and end with status 1; twistd itself knows no failed start."""
        self._log.critical("cannot start: {why}", why=reason.getErrorMessage())
        atexit.register(os._exit, 1)
        self._reactor.stop()


def makeService(options: Options) -> IService:
    """The service that ``options`` describe."""
    from twisted.internet import reactor

    app = App(
        config=options.configuration,
        reactor=reactor,  # type: ignore[arg-type]  # a module
        notifier=notifier_from(os.environ),
    )
    return RegistryService(app=app, reactor=reactor)
