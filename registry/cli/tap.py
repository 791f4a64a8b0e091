"""``twistd registry``: the same appliance as a Twisted service."""

from __future__ import annotations

import os

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from registry.cli.launch import launch_configuration, port_number
from registry.config.errors import ConfigError
from registry.service.app import App
from registry.service.notify import notifier_from


class Options(UsageOptions):
    """The command line of ``twistd registry``."""

    optParameters = [
        ["config", "c", None, "Distribution's config.yml; defaults without it"],
        ["port", "p", None, "listen on this port instead", port_number],
        ["storage", "s", None, "store in this directory instead"],
    ]


class RegistryService(Service):
    """An App under twistd, which daemonizes, writes its pid file and logs for it."""

    name = "registry"

    def __init__(self, *, app: App) -> None:
        self._app = app
        self._log = Logger()

    def startService(self) -> None:
        """Start to serve, once the reactor runs."""
        super().startService()  # type: ignore[no-untyped-call]
        Deferred.fromCoroutine(self._app.start()).addErrback(self._failed)

    def stopService(self) -> Deferred[None]:
        """Stop serving; fires when storage has been let go."""
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._app.stop())

    def _failed(self, reason: Failure) -> None:
        from twisted.internet import reactor

        self._log.critical("cannot start: {why}", why=reason.getErrorMessage())
        reactor.stop()


def makeService(options: Options) -> IService:
    """The service that ``options`` describe. Raises UsageError with what is wrong."""
    from twisted.internet import reactor

    try:
        config = launch_configuration(
            options["config"], port=options["port"], storage=options["storage"]
        )
    except ConfigError as error:
        raise UsageError(str(error)) from error
    return RegistryService(
        app=App(
            config=config,
            reactor=reactor,  # type: ignore[arg-type]  # a module
            notifier=notifier_from(os.environ),
        )
    )
