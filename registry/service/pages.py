"""The pages that are not the API, each a twisted.web resource."""

from __future__ import annotations

import html
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request

from registry.service.metrics import CONTENT_TYPE
from registry.storage.workers import Workers

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"

FRONT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Container registry</title></head>
<body><h1>Container registry</h1>
<p>This is a registry of container images and other OCI artifacts. Its API is at
<a href="{api}">{api}</a>; use it with docker, podman, skopeo or any other client.</p>
</body></html>
"""

Words = Callable[[], Mapping[str, str]]
"""What is wrong, by the names of checks."""


class Page(Resource, ABC):
    """A page that says no more than it should, and is not kept by caches."""

    isLeaf = True
    is_read_only = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # twisted.web is untyped

    def render(self, request: Request) -> bytes | int:
        """The page; 405 for what is neither GET nor HEAD."""
        request.setHeader("server", "registry")
        request.setHeader("cache-control", "no-cache")
        request.setHeader("x-content-type-options", "nosniff")
        request.setHeader("content-security-policy", "default-src 'none'")
        if self.is_read_only and request.method not in {b"GET", b"HEAD"}:
            request.setResponseCode(405)
            request.setHeader("allow", "GET, HEAD")
            request.setHeader("content-type", TEXT)
            return b"this page can only be read, with GET or HEAD\n"
        return self.render_GET(request)

    @abstractmethod
    def render_GET(self, request: Request) -> bytes | int:
        """The page itself, or NOT_DONE_YET."""


class Plain(Page):
    """A fixed text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text.encode("utf-8")

    def render_GET(self, request: Request) -> bytes:
        """The text."""
        request.setHeader("content-type", TEXT)
        return self._text


class Missing(Plain):
    """What is shown where nothing is; ``text`` says where something is."""

    is_read_only = False

    def render_GET(self, request: Request) -> bytes:
        """404, whatever the method."""
        request.setResponseCode(404)
        return super().render_GET(request)


class Root(Page):
    """A place with children, and ``missing`` wherever there is no child."""

    isLeaf = False
    is_read_only = False

    def __init__(self, missing: Missing) -> None:
        super().__init__()
        self.missing = missing

    def getChild(self, path: bytes, request: Request) -> IResource:
        """Nothing is there."""
        del path, request
        return self.missing

    def render_GET(self, request: Request) -> bytes | int:
        """Nothing is here itself either."""
        return self.missing.render_GET(request)


class Front(Page):
    """What a person sees who opens the registry's address in a browser."""

    def __init__(self, api: str) -> None:
        super().__init__()
        self._text = FRONT.format(api=html.escape(api)).encode("utf-8")

    def render_GET(self, request: Request) -> bytes:
        """The page."""
        request.setHeader("content-type", "text/html; charset=utf-8")
        return self._text


class WordOfHealth(Page):
    """For load balancers: 200 and ``ok``, or 503 and one reason a line.

    A registry that is degraded can still be pulled from, so it is 200, ``degraded`` and
    the reasons.
    """

    def __init__(self, ailments: Words, degradations: Words) -> None:
        super().__init__()
        self._ailments = ailments
        self._degradations = degradations

    def render_GET(self, request: Request) -> bytes:
        """One word, or the reasons."""
        request.setHeader("content-type", TEXT)
        ailments, degradations = self._ailments(), self._degradations()
        if ailments:
            request.setResponseCode(503)
            return _lines(ailments)
        if degradations:
            return b"degraded\n" + _lines(degradations)
        return b"ok\n"


def _lines(words: Mapping[str, str]) -> bytes:
    lines = [" ".join(f"{name}: {why}".split()) for name, why in words.items()]
    return "\n".join([*lines, ""]).encode("utf-8", "backslashreplace")


class Health(Page):
    """As Distribution answers: 200 and ``{}``, or 503 and reasons by check.

    What only degrades the registry is told too, and does not make it 503.
    """

    def __init__(self, ailments: Words, degradations: Words) -> None:
        super().__init__()
        self._ailments = ailments
        self._degradations = degradations

    def render_GET(self, request: Request) -> bytes:
        """The reasons as JSON."""
        request.setHeader("content-type", JSON)
        ailments = dict(self._ailments())
        if ailments:
            request.setResponseCode(503)
        degraded = {
            name: f"degraded: {why}" for name, why in self._degradations().items()
        }
        return json.dumps(degraded | ailments).encode("ascii")


class Numbers(Page):
    """What the process knows about itself, as JSON."""

    def __init__(self, numbers: Callable[[], Mapping[str, object]]) -> None:
        super().__init__()
        self._numbers = numbers

    def render_GET(self, request: Request) -> bytes:
        """The numbers of this moment."""
        request.setHeader("content-type", JSON)
        return json.dumps(self._numbers(), default=str, indent=1).encode("ascii")


class MetricsPage(Page):
    """Metrics for Prometheus, rendered in a worker because it takes milliseconds."""

    def __init__(self, render: Callable[[], bytes], workers: Workers) -> None:
        super().__init__()
        self._render = render
        self._workers = workers
        self._log = Logger()

    def render_GET(self, request: Request) -> int:
        """The numbers of this moment, when a worker has rendered them."""
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)

        def rendered(text: bytes) -> None:
            request.setHeader("content-type", CONTENT_TYPE)
            request.setHeader("content-length", str(len(text)))
            self._finish(request, text, gone)

        def failed(reason: Failure) -> None:
            self._log.failure("metrics could not be rendered", failure=reason)
            request.setResponseCode(500)
            request.setHeader("content-type", TEXT)
            self._finish(request, b"metrics failed; the log says why\n", gone)

        self._workers.run(self._render).addCallbacks(rendered, failed)
        return NOT_DONE_YET

    def _finish(self, request: Request, text: bytes, gone: list[object]) -> None:
        if not gone:
            request.write(text)
            request.finish()
