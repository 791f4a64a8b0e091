"""A disk that tells what was asked of it, and fails or stops where a test wants."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import attrs

from registry.storage.disk import Disk

P = ParamSpec("P")
T = TypeVar("T")


@attrs.frozen
class Call:
    """One system call: what it was for, and on which path."""

    verb: str
    path: str


class Killed(BaseException):
    """The process ended here: nothing that follows happens, no cleaning up either."""


class WatchedDisk(Disk):
    """A real disk; the calls are numbered from 0 and ``interrupt`` runs before each.

    An OSError that ``interrupt`` raises is the outcome of the call, as if the kernel
    had raised it. Anything else that it raises passes through.
    """

    def __init__(
        self, *, interrupt: Callable[[int, Call], None] = lambda _number, _call: None
    ) -> None:
        self.calls: list[Call] = []
        self.interrupt = interrupt

    def call(
        self,
        verb: str,
        path: str,
        system_call: Callable[P, T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Note the call, let ``interrupt`` have its say, and make it."""
        noted = Call(verb, path)
        self.calls.append(noted)
        number = len(self.calls) - 1

        def interruptible(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                self.interrupt(number, noted)
            except BaseException:
                if verb == "close":  # an interrupted close has still closed
                    system_call(*args, **kwargs)
                raise
            return system_call(*args, **kwargs)

        return super().call(verb, path, interruptible, *args, **kwargs)


def failing(code: int, *, at: int, ever_after: bool) -> Callable[[int, Call], None]:
    """An ``interrupt`` that fails call ``at`` with an errno, and maybe all later."""

    def interrupt(number: int, _call: Call) -> None:
        if number == at or (ever_after and number > at):
            raise OSError(code, os.strerror(code))

    return interrupt


def killing(*, at: int) -> Callable[[int, Call], None]:
    """An ``interrupt`` that ends the process before call ``at``."""

    def interrupt(number: int, _call: Call) -> None:
        if number >= at:
            raise Killed

    return interrupt
