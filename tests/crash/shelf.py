"""A directory on which one tree after another is shown, as little as differs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

Tree = Mapping[str, bytes | None]
"""By path: the bytes of a file, or None for a directory."""


class Shelf:
    """The directory ``root``, which nobody else writes to but after ``spoil``."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._shown: dict[str, bytes | None] = {}
        os.mkdir(root)

    def show(self, tree: Tree) -> None:
        """Let ``root`` hold exactly ``tree``."""
        for path in sorted(self._shown, reverse=True):
            if path not in tree or tree[path] != self._shown[path]:
                self._remove(path)
        for path in sorted(tree):
            if path not in self._shown:
                self._make(path, tree[path])

    def spoil(self) -> None:
        """Somebody has changed it: begin anew."""
        shutil.rmtree(self.root)
        os.mkdir(self.root)
        self._shown.clear()

    def _remove(self, path: str) -> None:
        if self._shown.pop(path) is None:
            os.rmdir(os.path.join(self.root, path))
        else:
            os.unlink(os.path.join(self.root, path))

    def _make(self, path: str, content: bytes | None) -> None:
        self._shown[path] = content
        place = os.path.join(self.root, path)
        if content is None:
            os.mkdir(place)
        else:
            with open(place, "wb") as file:
                file.write(content)
