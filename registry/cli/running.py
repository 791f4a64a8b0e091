"""An appliance from its start to its end, as a process sees it."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from registry.cli.launch import Launch
from registry.config.schema import Configuration
from registry.service.app import App
from registry.service.log import LogObserver
from registry.service.notify import notifier_from


class Running:
    """Starts an App when the reactor runs, and stops it when the process is told to.

    The first SIGTERM or SIGINT lets requests finish, for as long as is configured; the
    second one does not wait. SIGHUP reads ``config`` anew from where ``launch`` says.
    ``failure`` says why it could not start.
    """

    def __init__(
        self,
        *,
        launch: Launch,
        config: Configuration,
        observer: LogObserver | None,
        reactor: Any,  # noqa: ANN401 - a module
    ) -> None:
        self._app = App(
            config=config,
            reactor=reactor,
            notifier=notifier_from(os.environ),
            reread=launch.configuration,
            observer=observer,
        )
        self._reactor = reactor
        self._is_stopping = False
        self._log = Logger()
        self.failure: Failure | None = None

    def start(self) -> None:
        """Start, now that the reactor runs and has set its own signals."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)
        Deferred.fromCoroutine(self._app.start()).addErrback(self._failed)

    def stop(self) -> Deferred[None]:
        """Stop; fires when nothing is left to do."""
        self._is_stopping = True
        return Deferred.fromCoroutine(self._app.stop())

    def _failed(self, reason: Failure) -> None:
        self.failure = reason
        if not self._is_stopping:
            self._is_stopping = True
            self._reactor.stop()

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        """A signal came, in the middle of anything."""
        del frame
        does = self._told_to_reload if number == signal.SIGHUP else self._told_to_stop
        self._reactor.callFromThread(does)

    def _told_to_reload(self) -> None:
        if not self._is_stopping:
            reloading = Deferred.fromCoroutine(self._app.reload())
            reloading.addErrback(self._reload_failed)

    def _reload_failed(self, reason: Failure) -> None:
        self._log.failure("reloading failed; restart the registry", failure=reason)

    def _told_to_stop(self) -> None:
        if self._is_stopping:
            self._app.hurry()
        else:
            self._is_stopping = True
            self._reactor.stop()
