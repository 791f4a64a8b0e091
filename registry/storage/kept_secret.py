"""A secret of this store, made once: what it signs is still good after a restart."""

from __future__ import annotations

import os
import secrets
from contextlib import closing

from registry.storage.changes import Changes
from registry.storage.directories import Directories
from registry.storage.disk import Disk
from registry.storage.driver import Absent, Put
from registry.storage.openfile import OpenFile

PLACE = "_registry/secret"
LENGTH = 32
"""Bytes of it. A file of another length is torn, and made anew."""


def kept_secret(disk: Disk, root: str) -> bytes:
    """The secret of the store at ``root``, which this process holds. Blocks.

    Raises StorageFailure.
    """
    path = f"{root}/{PLACE}"
    try:
        with closing(OpenFile(disk=disk, path=path, opened=disk.open(path))) as file:
            kept = file.read(0, file.size)
    except Absent:
        kept = b""
    if len(kept) != LENGTH:
        kept = secrets.token_bytes(LENGTH)
        before = os.umask(0o077)
        try:
            directories = Directories(disk=disk, root=root)
            Changes(disk=disk, root=root, directories=directories).apply(
                [Put(PLACE, kept)]
            )
        finally:
            os.umask(before)
    return kept
