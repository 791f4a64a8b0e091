"""The hash states of an upload session, so that its bytes are hashed as they come."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from registry.core.digest import Digest, Hasher, new_hasher
from registry.core.upload import Upload


@attrs.define
class Progress:
    """What is known of a session without reading its file.

    True as long as ``upload.size`` is the size of the file. It is thrown away when a
    write fails, for then nobody knows which bytes the hashers have seen.
    """

    upload: Upload
    hashers: dict[str, Hasher]

    @classmethod
    def beginning(cls, algorithms: Iterable[str]) -> Progress:
        """Of a session without bytes. Raises DigestInvalid for unknown algorithms."""
        hashers = {algorithm: new_hasher(algorithm) for algorithm in algorithms}
        return cls(upload=Upload(), hashers=hashers)

    def digest(self, algorithm: str) -> Digest:
        """The digest of all bytes so far, by one of its algorithms."""
        return Digest(algorithm, self.hashers[algorithm].hexdigest())
