"""One prepared store, copied for every test that spoils it."""

from __future__ import annotations

import os
import shutil

from flows import Flows
from promises import Promises
from scenarios import prepare
from served import Served

from registry.testing.watched_disk import WatchedDisk


class Stores:
    """Copies of a prepared store below ``directory``."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._original = os.path.join(directory, "original")
        self._promises = Promises()
        self._copies = 0
        os.mkdir(self._original)
        served = Served(self._original, WatchedDisk(syncs=False))
        prepare(served, Flows(self._promises))
        served.close()

    def copy(self) -> tuple[str, Promises]:
        """The root of a new store, and what was promised of it.

        Files that never change again are shared by all copies.
        """
        self._copies += 1
        root = os.path.join(self._directory, str(self._copies))
        shutil.copytree(self._original, root, copy_function=_shared)
        return root, self._promises.branch()

    def drop(self, root: str) -> None:
        """Remove a copy."""
        shutil.rmtree(root)


def _shared(source: str, target: str) -> None:
    if os.path.basename(os.path.dirname(os.path.dirname(source))) == "_uploads":
        shutil.copy(source, target)
    else:
        os.link(source, target)
