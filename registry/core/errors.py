"""What a registry refuses, one class per code of the specification.

Each error carries the code a client may act on and a message that tells its reader
what to do. ``web/problem.py`` alone decides the HTTP status.

Spec: distribution, Error Codes (code-1 to code-14).
"""

from __future__ import annotations

from typing import ClassVar


class RegistryError(Exception):
    """A refusal that the client can understand.

    ``message`` is a sentence for a person; ``detail`` is anything JSON can carry.
    ``retry_after`` is the seconds after which the same request may succeed.
    """

    code: ClassVar[str] = "UNKNOWN"
    retry_after: ClassVar[int | None] = None
    summary: ClassVar[str] = "the registry could not carry out the request"

    def __init__(self, message: str | None = None, *, detail: object = None) -> None:
        self.message = message or self.summary
        self.detail = detail
        super().__init__(self.message)


class Refusals(RegistryError):
    """Several refusals of one request, reported together (never empty)."""

    def __init__(self, errors: list[RegistryError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


class BlobUnknown(RegistryError):
    """code-1."""

    code = "BLOB_UNKNOWN"
    summary = "the blob is not in this repository; push it or mount it first"


class UploadInvalid(RegistryError):
    """code-2: the upload request contradicts itself or its session."""

    code = "BLOB_UPLOAD_INVALID"
    summary = "the upload request is invalid; start a new upload with POST"


class UploadUnknown(RegistryError):
    """code-3."""

    code = "BLOB_UPLOAD_UNKNOWN"
    summary = "there is no such upload session; start a new one with POST"


class DigestInvalid(RegistryError):
    """code-4: not a digest, an unsupported algorithm, or content that differs."""

    code = "DIGEST_INVALID"
    summary = "the digest is invalid or does not match the content"


class ManifestBlobUnknown(RegistryError):
    """code-5: one per reference of a manifest that is not in the repository."""

    code = "MANIFEST_BLOB_UNKNOWN"
    summary = "the manifest refers to content that is not here; push that first"


class ManifestInvalid(RegistryError):
    """code-6."""

    code = "MANIFEST_INVALID"
    summary = "the manifest is invalid"


class ManifestTooLarge(ManifestInvalid):
    """code-6, for a manifest above the configured limit.

    Spec: distribution end-7.
    """


class ManifestUnknown(RegistryError):
    """code-7."""

    code = "MANIFEST_UNKNOWN"
    summary = "there is no such manifest in this repository"


class NameInvalid(RegistryError):
    """code-8."""

    code = "NAME_INVALID"
    summary = "the repository name is invalid"


class NameUnknown(RegistryError):
    """code-9."""

    code = "NAME_UNKNOWN"
    summary = "there is no such repository in this registry"


class SizeInvalid(RegistryError):
    """code-10."""

    code = "SIZE_INVALID"
    summary = "the length does not match the content that was sent"


class Unauthorized(RegistryError):
    """code-11: credentials are missing or wrong."""

    code = "UNAUTHORIZED"
    summary = "authentication is required; log in and try again"


class Denied(RegistryError):
    """code-12: who it is is known, and they may not."""

    code = "DENIED"
    summary = "you may not do this; ask the operator of this registry for access"


class Unsupported(RegistryError):
    """code-13: switched off, or not offered by this registry."""

    code = "UNSUPPORTED"
    summary = "the operation is not supported by this registry"


class TooManyRequests(RegistryError):
    """code-14."""

    code = "TOOMANYREQUESTS"
    retry_after = 5
    summary = "too many requests; wait and try again"


class RangeInvalid(RegistryError):
    """Distribution's code for a chunk that does not continue the upload.

    ``offset`` is the number of bytes the session holds: where the next chunk starts.
    """

    code = "RANGE_INVALID"
    summary = "the chunk does not continue the upload"

    def __init__(self, message: str | None = None, *, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class TagInvalid(RegistryError):
    """Distribution's code for a tag that breaks the grammar."""

    code = "TAG_INVALID"
    summary = "the tag is invalid"


class PageInvalid(RegistryError):
    """Distribution's code for an ``n`` that is not a usable number."""

    code = "PAGINATION_NUMBER_INVALID"
    summary = "n must be a whole number that is not negative"


class Unavailable(RegistryError):
    """Distribution's code for a registry whose health checks fail."""

    code = "UNAVAILABLE"
    summary = "the registry is not healthy now; try again later"


class Busy(RegistryError):
    """More is asked of the registry than it takes at once, whoever asks."""

    code = "UNAVAILABLE"
    summary = "the registry has too much to do now; try again"
    retry_after = 5


class NoRoom(RegistryError):
    """The storage has no room for a push, for which there is no code.

    ``detail`` says how much is needed, free, promised to others, and kept in reserve.
    """

    summary = "the registry's storage is full; ask its operator to make room"


class PreconditionFailed(RegistryError):
    """``If-Match`` or ``If-None-Match`` refused a change. RFC 9110 13.1."""

    code = "DENIED"
    summary = "the tag has moved since you read it; read it again and retry"
