"""The abilities of a reactor that the appliance needs."""

from __future__ import annotations

from twisted.internet.interfaces import (
    IReactorCore,
    IReactorFromThreads,
    IReactorSocket,
    IReactorUNIX,
)

from registry.service.checks import NetworkReactor
from registry.web.socket_wire import WireReactor


class RegistryReactor(
    WireReactor,
    NetworkReactor,
    IReactorCore,
    IReactorFromThreads,
    IReactorSocket,
    IReactorUNIX,
):
    """What epoll's reactor has."""
