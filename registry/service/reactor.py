"""The abilities of a reactor that the appliance needs."""

from __future__ import annotations

from twisted.internet.interfaces import (
    IReactorCore,
    IReactorFDSet,
    IReactorFromThreads,
    IReactorSocket,
    IReactorTCP,
    IReactorTime,
    IReactorUNIX,
)


class RegistryReactor(
    IReactorCore,
    IReactorFDSet,
    IReactorFromThreads,
    IReactorSocket,
    IReactorTCP,
    IReactorTime,
    IReactorUNIX,
):
    """What epoll's reactor has."""
