"""A client of a registry in this process, and content to push to it.

The registry is configured as an operator would: with a piece of ``config.yml``.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from http.client import HTTPMessage
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import attrs

from registry.auth.authenticator import Authenticator
from registry.core.digest import Digest
from registry.core.mediatype import OCI_INDEX, OCI_MANIFEST
from registry.service.endpoints import build_endpoints
from registry.storage.driver import Absent, StorageFailure
from registry.storage.memory import MemoryDriver
from registry.testing.client import Answer, Body, Client, Session
from registry.testing.harness import Harness
from registry.testing.images import CONFIG, EMPTY, LAYER, to_json
from registry.web.api import Api

T = TypeVar("T")

NAME = "team/app"
OTHER = "other/source"
ALGORITHMS = ("sha256", "sha512")

DELETE = "storage: {inmemory: {}, delete: {enabled: true}}"
"""Configuration of a registry that lets clients delete."""

SPECIFIED = {
    "BLOB_UNKNOWN": "code-1",
    "BLOB_UPLOAD_INVALID": "code-2",
    "BLOB_UPLOAD_UNKNOWN": "code-3",
    "DIGEST_INVALID": "code-4",
    "MANIFEST_BLOB_UNKNOWN": "code-5",
    "MANIFEST_INVALID": "code-6",
    "MANIFEST_UNKNOWN": "code-7",
    "NAME_INVALID": "code-8",
    "NAME_UNKNOWN": "code-9",
    "SIZE_INVALID": "code-10",
    "UNAUTHORIZED": "code-11",
    "DENIED": "code-12",
    "UNSUPPORTED": "code-13",
    "TOOMANYREQUESTS": "code-14",
}
"""The codes of the specification."""

OF_DISTRIBUTION = {
    "RANGE_INVALID",
    "TAG_INVALID",
    "PAGINATION_NUMBER_INVALID",
    "UNAVAILABLE",
    "UNKNOWN",
}
"""Codes that Distribution has beside those, and its clients know."""


class Here(Client):
    """A registry in this process and a client of it: one connection per request."""

    def __init__(self, config: str = DELETE) -> None:
        self.driver = MemoryDriver()
        self.configure(config)

    def configure(self, config: str) -> None:
        """Start again on the same storage with another configuration."""
        self.harness = Harness(options=config, driver=self.driver)

    def ask_for(self, authenticator: Authenticator) -> None:
        """Ask from now on for what ``authenticator`` wants."""
        config, registry = self.harness.config, self.harness.registry
        api = Api(
            endpoints=build_endpoints(
                config,
                registry=registry,
                authenticator=authenticator,
                own_secret=b"for tests",
            ),
            authenticator=authenticator,
            ailments=dict,
            prefix="/",
            is_readonly=False,
        )
        self.harness.site.respond = api.respond

    def request(
        self,
        method: str,
        target: str,
        *,
        body: Body = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        url = urlsplit(target)
        path = f"{url.path}?{url.query}" if url.query else url.path
        lines = dict(headers or {})
        if not isinstance(body, bytes):
            lines["Transfer-Encoding"] = "chunked"
            chunks = [b"%x\r\n%b\r\n" % (len(c), c) for c in body if c]
            body = b"".join([*chunks, b"0\r\n\r\n"])
        answer = self.harness.request(method, path, headers=lines, body=body)
        said = HTTPMessage()
        for name, value in answer.headers:
            said.add_header(name, value)
        return Answer(f"{method} {path}", answer.status, said, answer.body)

    def files(self) -> list[str]:
        """Every file in the storage."""
        return sorted(_files_below(self.driver, "docker"))


def _files_below(driver: MemoryDriver, path: str) -> Iterator[str]:
    try:
        names = now(driver.names(path))
    except Absent:
        return
    for name in names:
        below = f"{path}/{name}"
        try:
            now(driver.read(below))
        except StorageFailure:
            yield from _files_below(driver, below)
        else:
            yield below


def now(work: Coroutine[Any, Any, T]) -> T:
    """The result of work that need not wait."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


# Content.


@attrs.frozen(kw_only=True)
class Draft:
    """A manifest that is ready to be pushed, and what has to be there before it."""

    media_type: str
    body: bytes
    algorithm: str = "sha256"
    blobs: Sequence[bytes] = ()
    children: Sequence[Draft] = ()

    @property
    def digest(self) -> Digest:
        return Digest.of(self.body, self.algorithm)

    def described(self, **fields: object) -> dict[str, Any]:
        """How an index or a referrer names it."""
        return described(self.body, self.media_type, self.algorithm) | fields


def described(
    content: bytes, media_type: str, algorithm: str = "sha256"
) -> dict[str, Any]:
    """The descriptor of some content."""
    digest = str(Digest.of(content, algorithm))
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def image(
    seed: str,
    *,
    algorithm: str = "sha256",
    config: tuple[str, bytes] | None = None,
    layers: Sequence[tuple[str, bytes]] | None = None,
    with_data: bool = False,
    **fields: object,
) -> Draft:
    """An image manifest with two layers; ``fields`` are added to its document."""
    named = config or (CONFIG, to_json({"os": "linux", "author": seed}))
    if layers is None:
        layers = [(LAYER, f"{seed} {n}".encode()) for n in (1, 2)]

    def descriptor(part: tuple[str, bytes]) -> dict[str, Any]:
        found = described(part[1], part[0], algorithm)
        data = {"data": b64encode(part[1]).decode()} if with_data else {}
        return found | data

    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(named),
        "layers": [descriptor(layer) for layer in layers],
    }
    return Draft(
        media_type=OCI_MANIFEST,
        body=to_json(document | fields),
        algorithm=algorithm,
        blobs=[named[1], *(content for _, content in layers)],
    )


def artifact(seed: str, kind: str, **fields: object) -> Draft:
    """An artifact: an image manifest whose config is the empty object."""
    layers = [("application/octet-stream", seed.encode())]
    return image(
        seed, config=(EMPTY, b"{}"), layers=layers, artifactType=kind, **fields
    )


def index(*children: Draft, algorithm: str = "sha256", **fields: object) -> Draft:
    """An image index of ``children``."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [child.described() for child in children],
    }
    return Draft(
        media_type=OCI_INDEX,
        body=to_json(document | fields),
        algorithm=algorithm,
        children=children,
    )


def push_parts(here: Here, draft: Draft, name: str = NAME) -> None:
    """Push all that ``draft`` needs, but not the manifest itself."""
    for blob in draft.blobs:
        here.push_blob(name, blob, algorithm=draft.algorithm)
    for child in draft.children:
        push(here, child, name=name)


def push(
    here: Here, draft: Draft, reference: object = None, *, name: str = NAME
) -> Answer:
    """Push ``draft`` with all that it needs, by default under its digest."""
    push_parts(here, draft, name)
    return put(here, draft, reference, name=name).expect(201)


def put(
    here: Here,
    draft: Draft,
    reference: object = None,
    *,
    name: str = NAME,
    tags: Sequence[str] = (),
    **headers: str,
) -> Answer:
    """PUT of the manifest alone."""
    query = "&".join(f"tag={quote(tag)}" for tag in tags)
    target = f"/v2/{name}/manifests/{draft.digest if reference is None else reference}"
    lines = {"Content-Type": draft.media_type}
    lines |= {key.replace("_", "-"): value for key, value in headers.items()}
    return here.request(
        "PUT", f"{target}?{query}" if query else target, body=draft.body, headers=lines
    )


# Answers.


def check_served(here: Here, draft: Draft, answer: Answer) -> None:
    """The answer to a push is right, and it points at what was pushed."""
    assert answer.header("Docker-Content-Digest") == str(draft.digest)
    path = f"/v2/{NAME}/manifests/{draft.digest}"
    assert urlsplit(answer.header("Location")).path == path
    pulled = here.get(answer.header("Location")).expect(200)
    assert pulled.body == draft.body
    assert pulled.header("Content-Type") == draft.media_type
    assert pulled.header("Docker-Content-Digest") == str(draft.digest)


def codes(answer: Answer) -> list[str]:
    """The error codes of a refusal, whose whole body is checked.

    Every entry has to say, in words, what to do.
    """
    assert answer.header("Content-Type") == "application/json"
    listed = json.loads(answer.body)["errors"]
    assert listed
    for entry in listed:
        assert set(entry) <= {"code", "message", "detail"}
        assert entry["code"] in SPECIFIED.keys() | OF_DISTRIBUTION
        assert len(entry["message"].split()) >= 4, entry
    return [entry["code"] for entry in listed]


def missing_session(here: Here, location: str) -> bool:
    """Whether nothing is left of an upload."""
    answer = here.get(location)
    return answer.status == 404 and codes(answer) == ["BLOB_UPLOAD_UNKNOWN"]


def started(here: Here, name: str = NAME, query: str = "") -> Session:
    """A new upload session, begun with parameters."""
    answer = here.request("POST", f"/v2/{name}/blobs/uploads/{query}").expect(202)
    return Session(client=here, location=answer.header("Location"))
