"""A route: what the path of a request names.

Names of repositories may contain the very words that stand behind them in a path, so a
path is read from its end: ``/v2/a/tags/b/manifests/c`` is the manifest ``c`` of the
repository ``a/tags/b``.

Spec: distribution, Endpoints.
"""

from __future__ import annotations

import enum
from urllib.parse import unquote

import attrs

from registry.core.errors import NameInvalid
from registry.core.name import RepositoryName


class Kind(enum.Enum):
    """The resources of the API; each value is its path."""

    BASE = "/v2/"
    CATALOG = "/v2/_catalog"
    TAGS = "/v2/{name}/tags/list"
    MANIFEST = "/v2/{name}/manifests/{reference}"
    BLOB = "/v2/{name}/blobs/{reference}"
    UPLOADS = "/v2/{name}/blobs/uploads/"
    UPLOAD = "/v2/{name}/blobs/uploads/{reference}"
    REFERRERS = "/v2/{name}/referrers/{reference}"
    REPOSITORY = "/v2/{name}/"


@attrs.frozen
class Route:
    """A resource: its kind, its repository, and the rest of the path, unparsed.

    ``reference`` is text that may or may not be a tag, a digest or a session; its
    reader finds out.
    """

    kind: Kind
    name: RepositoryName | None = None
    reference: str = ""

    @property
    def repository(self) -> RepositoryName:
        """The name, of a route that has one: all but BASE and CATALOG do."""
        assert self.name is not None  # noqa: S101 - ``parse_route`` gave it one
        return self.name

    @property
    def path(self) -> str:
        """The path of this resource, as we write it."""
        return self.kind.value.format(name=self.name, reference=self.reference)


_BASE = Route(Kind.BASE)
_CATALOG = Route(Kind.CATALOG)
_REFERENCED = {
    "manifests": Kind.MANIFEST,
    "blobs": Kind.BLOB,
    "referrers": Kind.REFERRERS,
}


def parse_route(path: str) -> Route | None:
    """The route of a percent-encoded path, or None where there is none.

    ``tags/list/`` and ``blobs/uploads`` are read like Distribution's own spelling of
    them, without a redirect. Raises NameInvalid where only the name is wrong, as it is
    where a segment below ``/v2/`` is empty, ``.`` or ``..``, or hides a slash.
    """
    if "%" in path:
        decoded = _decoded(path)
        if decoded is None:
            return None
        path = decoded
    if not path.startswith("/v2/"):
        return _BASE if path == "/v2" else None
    segments = path[4:].split("/")
    if "" in segments[:-1] or "." in segments or ".." in segments:
        raise NameInvalid("a path below /v2/ has no empty segment, no . and no ..")
    head, _, last = path[4:].rpartition("/")
    if not head:
        return {"/v2/": _BASE, "/v2/_catalog": _CATALOG}.get(path)
    return _with_slash(head) if not last else _without_slash(head, last)


def _without_slash(head: str, last: str) -> Route | None:
    stem, _, noun = head.rpartition("/")
    if not stem:
        return None
    if noun == "blobs" and last == "uploads":
        return Route(Kind.UPLOADS, RepositoryName(stem))
    if kind := _REFERENCED.get(noun):
        return Route(kind, RepositoryName(stem), last)
    if noun == "uploads" and stem.endswith("/blobs"):
        return Route(Kind.UPLOAD, RepositoryName(stem[: -len("/blobs")]), last)
    if noun == "tags" and last == "list":
        return Route(Kind.TAGS, RepositoryName(stem))
    return None


def _with_slash(head: str) -> Route:
    if head == "_catalog":
        return _CATALOG
    if head.endswith("/tags/list"):
        return Route(Kind.TAGS, RepositoryName(head[: -len("/tags/list")]))
    if head.endswith("/blobs/uploads"):
        return Route(Kind.UPLOADS, RepositoryName(head[: -len("/blobs/uploads")]))
    return Route(Kind.REPOSITORY, RepositoryName(head))


def _decoded(path: str) -> str | None:
    """``path`` without percent-encoding; None if it is no text.

    Raises NameInvalid for a hidden slash, which others may read as a real one.
    """
    if path.startswith("/v2/") and "%2f" in path.lower():
        raise NameInvalid("the / in a repository name is written as /, not as %2F")
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError:
        return None
