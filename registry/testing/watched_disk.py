"""A disk that tells what was asked of it, and fails or stops where a test wants."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import attrs

from registry.storage.disk import Disk

P = ParamSpec("P")
T = TypeVar("T")

OPENING = frozenset({"open", "append to", "create"})
"""Verbs whose result begins with a descriptor."""


@attrs.frozen
class Call:
    """One system call: what it was for, and on which path."""

    verb: str
    path: str


class Killed(BaseException):
    """The process ended here: nothing that follows happens, no cleaning up either."""


Interrupt = Callable[[int, Call], None]
"""Called with the number of a call and what it is for; may raise."""


def _nothing(_number: int, _call: Call) -> None:
    pass


class WatchedDisk(Disk):
    """A real disk; the calls are numbered from 0, with ``interrupt`` run before each.

    ``afterwards`` runs when a call is done. An OSError that either raises is the
    outcome of the call, as if the kernel had raised it; a real one may also have had
    its effect when it failed. Anything else that they raise passes through. Unless
    ``syncs``, a sync only looks whether the thing is there: nothing is lost by that
    when a test cuts no power.
    """

    def __init__(
        self,
        *,
        interrupt: Interrupt = _nothing,
        afterwards: Interrupt = _nothing,
        syncs: bool = True,
    ) -> None:
        self.calls: list[Call] = []
        self.interrupt = interrupt
        self.afterwards = afterwards
        self._syncs = syncs

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
            result = self.made(noted, system_call, *args, **kwargs)
            try:
                self.afterwards(number, noted)
            except BaseException:
                if verb in OPENING:
                    os.close(cast("tuple[int, int]", result)[0])
                raise
            return result

        return super().call(verb, path, interruptible, *args, **kwargs)

    def made(
        self,
        call: Call,
        system_call: Callable[P, T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The result of the call, which nothing has interrupted."""
        if self._syncs or not call.verb.startswith("sync"):
            return system_call(*args, **kwargs)
        if call.verb != "sync":
            os.stat(call.path)
        return cast("T", None)


def failing(code: int, *, at: int, ever_after: bool) -> Interrupt:
    """What fails call ``at`` with an errno, and maybe all later.

    To be an ``interrupt`` or an ``afterwards``.
    """

    def interrupt(number: int, _call: Call) -> None:
        if number == at or (ever_after and number > at):
            raise OSError(code, os.strerror(code))

    return interrupt


def killing(*, at: int) -> Interrupt:
    """An ``interrupt`` that ends the process before call ``at``."""

    def interrupt(number: int, _call: Call) -> None:
        if number >= at:
            raise Killed

    return interrupt
