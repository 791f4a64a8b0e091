"""Pages beside the API: for everybody, and for the operator on an address of their own.

All are ordinary twisted.web resources. None tells a version, a path or a secret to the
public. The operator's address asks nobody who they are, so it must not be reachable
from outside.

Read next: ``pages.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.web.resource import IResource, Resource

from registry.service.pages import (
    Front,
    Health,
    MetricsPage,
    Missing,
    Numbers,
    Plain,
    Root,
    WordOfHealth,
    Words,
)
from registry.storage.workers import Workers


def make_root(
    *, ailments: Words, degradations: Words = dict, api: str = "/v2/"
) -> IResource:
    """The public tree beside the API, which stands at ``api``."""
    root = Root(Missing(f"there is nothing here; the API is at {api}\n"))
    root.putChild(b"", Front(api))
    root.putChild(b"healthz", WordOfHealth(ailments, degradations))
    root.putChild(b"robots.txt", Plain("User-agent: *\nDisallow: /\n"))
    return root


def make_debug_root(
    *,
    ailments: Words,
    degradations: Words = dict,
    numbers: Callable[[], Mapping[str, object]],
    render_metrics: Callable[[], bytes] | None,
    metrics_path: str = "/metrics",
    workers: Workers,
) -> IResource:
    """The operator's tree. Without ``render_metrics`` there are no metrics.

    ``numbers`` is what ``/debug/vars`` shows: anything that JSON can carry, and nothing
    that is secret.
    """
    pages: dict[str, Resource] = {
        "/debug/health": Health(ailments, degradations),
        "/debug/vars": Numbers(numbers),
    }
    if render_metrics is not None:
        pages[metrics_path] = MetricsPage(render_metrics, workers)
    root = Root(Missing(f"there is nothing here, but at {', '.join(pages)}\n"))
    for path, page in pages.items():
        _place(root, path, page)
    return root


def _place(root: Resource, path: str, page: Resource) -> None:
    """Put ``page`` at ``path``, with resources for what is above it."""
    *above, last = path.strip("/").encode("utf-8").split(b"/")
    parent = root
    for name in above:
        child = parent.children.get(name)
        if child is None:
            child = Root(root.missing) if isinstance(root, Root) else Resource()
            parent.putChild(name, child)
        parent = child
    parent.putChild(last, page)
