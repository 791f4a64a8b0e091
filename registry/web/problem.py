"""Refusals as responses: the one place where an error becomes a status.

Spec: distribution, Error Codes. Every body is the JSON envelope of the specification.
"""

from __future__ import annotations

import json

from registry.core import errors
from registry.core.errors import Refusals, RegistryError
from registry.web.response import Response, header_lines

STATUSES: dict[type[RegistryError], int] = {
    errors.BlobUnknown: 404,
    errors.UploadInvalid: 400,
    errors.UploadUnknown: 404,
    errors.DigestInvalid: 400,
    errors.ManifestBlobUnknown: 400,
    errors.ManifestInvalid: 400,
    errors.ManifestTooLarge: 413,
    errors.ManifestUnknown: 404,
    errors.NameInvalid: 400,
    errors.NameUnknown: 404,
    errors.SizeInvalid: 400,
    errors.Unauthorized: 401,
    errors.Denied: 403,
    errors.Unsupported: 405,
    errors.TooManyRequests: 429,
    errors.RangeInvalid: 416,
    errors.TagInvalid: 400,
    errors.PageInvalid: 400,
    errors.Unavailable: 503,
    errors.Busy: 503,
    errors.NoRoom: 507,
    errors.PreconditionFailed: 412,
}

_JSON = ("Content-Type", "application/json")


def problem(error: RegistryError, *extra: tuple[str, str]) -> Response:
    """The response that tells a client about ``error``, with ``extra`` headers."""
    several = error.errors if isinstance(error, Refusals) else [error]
    if error.retry_after is not None:
        extra += (("Retry-After", str(error.retry_after)),)
    return _response(_status(several[0]), [_entry(one) for one in several], *extra)


def refusal(
    status: int, message: str, *extra: tuple[str, str], code: str = "UNKNOWN"
) -> Response:
    """A response for what is wrong with the HTTP itself, or with the machine."""
    return _response(status, [{"code": code, "message": message}], *extra)


def failure(
    status: int,
    message: str,
    request_id: str,
    code: str = "UNKNOWN",
    detail: object = None,
) -> Response:
    """A response for what is not the client's fault.

    ``X-Request-Id`` names the request as the log does, for whoever reports it; the
    ``message`` should name it too.
    """
    entry: dict[str, object] = {"code": code, "message": message}
    if detail is not None:
        entry["detail"] = detail
    return _response(status, [entry], ("X-Request-Id", request_id))


def _status(error: RegistryError) -> int:
    """The status of the error's class, or of the nearest class above it."""
    return next(
        (STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500
    )


def _entry(error: RegistryError) -> dict[str, object]:
    entry: dict[str, object] = {"code": error.code, "message": error.message}
    if error.detail is not None:
        entry["detail"] = error.detail
    return entry


def _response(
    status: int, entries: list[dict[str, object]], *extra: tuple[str, str]
) -> Response:
    body = json.dumps({"errors": entries}, ensure_ascii=True).encode("ascii") + b"\n"
    return Response(status, header_lines(_JSON, *extra), body)
