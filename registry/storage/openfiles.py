"""Files that are kept open for the next reader.

Opening a blob for every pull would cost a worker turn each time. Final files never
change, so one descriptor serves any number of readers, each with its own offset. The
driver, which alone replaces and removes files, forgets what it touched.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from registry.storage.driver import Change, Discard, Move, Put, Remove
from registry.storage.openfile import OpenFile


class OpenFiles:
    """The files used last, at most ``limit``; all methods belong to the reactor."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._files: OrderedDict[str, OpenFile] = OrderedDict()
        self.generation = 0
        """Grows with every change: a file opened before one may be out of date."""

    def find(self, path: str) -> OpenFile | None:
        """The open file at ``path``, now the one used last."""
        file = self._files.get(path)
        if file is not None:
            self._files.move_to_end(path)
        return file

    def add(self, path: str, file: OpenFile, *, generation: int) -> None:
        """Keep ``file``, unless something changed since ``generation``."""
        if generation != self.generation or path in self._files:
            file.close()
            return
        self._files[path] = file
        if len(self._files) > self._limit:
            _, oldest = self._files.popitem(last=False)
            oldest.close()

    def changed(self, changes: Sequence[Change]) -> None:
        """Forget the files that ``changes`` replaced or removed."""
        self.generation += 1
        for change in changes:
            match change:
                case Put(path=path):
                    self._forget(path)
                case Move(source=source, target=target):
                    self._forget(source)
                    self._forget(target)
                case Remove(path=path) | Discard(path=path):
                    self._forget(path)
                    for below in [p for p in self._files if p.startswith(f"{path}/")]:
                        self._forget(below)

    def close(self) -> None:
        """Keep none open."""
        while self._files:
            self._files.popitem()[1].close()

    def _forget(self, path: str) -> None:
        file = self._files.pop(path, None)
        if file is not None:
            file.close()
