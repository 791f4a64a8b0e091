"""A scope: what a request needs to be allowed.

Distribution's records, except that who may push may also cancel an own upload.

Spec: Docker token authentication, Resource Scope.
"""

from __future__ import annotations

import attrs

from registry.core.name import RepositoryName
from registry.core.route import Kind


@attrs.frozen
class Access:
    """One action on one resource, such as ``repository:library/alpine:pull``."""

    type: str
    name: str
    action: str

    def __str__(self) -> str:
        return f"{self.type}:{self.name}:{self.action}"


_CATALOG = (Access("registry", "catalog", "*"),)
_WRITE = ("pull", "push")
_ACTIONS: dict[str, tuple[str, ...]] = {
    "GET": ("pull",),
    "HEAD": ("pull",),
    "DELETE": ("delete",),
    "OPTIONS": (),
}


def needed_access(
    method: str,
    kind: Kind,
    name: RepositoryName | None,
    source: RepositoryName | None,
) -> tuple[Access, ...]:
    """All that a request has to be allowed; none where anybody who is known may.

    ``source`` is the repository that a blob is mounted from. A method that is not
    known counts as a change.
    """
    if kind is Kind.CATALOG and method != "OPTIONS":
        return _CATALOG
    if name is None:
        return ()
    if kind is Kind.UPLOAD and method == "DELETE":
        actions: tuple[str, ...] = ("push",)
    else:
        actions = _ACTIONS.get(method, _WRITE)
    needed = tuple(Access("repository", name.text, action) for action in actions)
    if source is None or source == name or not needed:
        return needed
    return (*needed, Access("repository", source.text, "pull"))
