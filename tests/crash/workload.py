"""A client that does all that clients do, until its registry is gone.

It is one of many. Each is a thread with manifests, uploads and a repository of its own,
which it alone deletes; some tags, a blob and two repositories they have in common. What
it was told is in ``Promises``.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from threading import Event

import attrs
from flows import Asked, Flow, Flows, Refused, Reply, run
from line import Gone, Line
from promises import HELD, OPEN, Key, Promises, Sending

from registry.core.digest import Digest
from registry.testing.images import Manifest, artifact, image, index

SHARED = ("team", "team/app")
"""Repositories of all clients, one within the other's directory."""

SHARED_TAGS = ("latest", "edge")

HOT = random.Random(1).randbytes(150_000)
"""A blob that everybody pushes."""

SMALL, MIDDLE, LARGE = 2_000, 200_000, 1_600_000
"""Bytes of blobs: written by the commit, in chunks, and flushed before the commit."""


@attrs.define
class Own:
    """What one client has in one repository."""

    blobs: list[Digest] = attrs.field(factory=list)
    """That no manifest names."""

    manifests: list[Manifest] = attrs.field(factory=list)
    """That no index lists."""


class Worker:
    """One client. ``told`` is called after each answer."""

    def __init__(
        self, *, number: int, seed: str, promises: Promises, told: Callable[[], None]
    ) -> None:
        self._number = number
        self._random = random.Random(f"{seed}-{number}")
        self._promises = promises
        self._flows = Flows(promises)
        self._told = told
        self._made = 0
        self._own: dict[str, Own] = {}
        self._names = [*SHARED, f"own/{number}"]
        self._line: Line | None = None
        self.failure: BaseException | None = None

    def work(self, port: int, stop: Event) -> None:
        """Ask the registry at ``port`` for one thing after the other."""
        with closing(Line(port)) as self._line:
            try:
                while not stop.is_set():
                    self._do(self._random.choice(_ACTIONS)(self))
            except Gone:
                pass
            except BaseException as error:  # noqa: BLE001 - for the thread that waits
                self.failure = error

    def _do(self, flow: Flow[None]) -> None:
        run(flow, self._ask)

    def _ask(self, asked: Asked) -> Reply:
        assert self._line is not None
        reply = self._line.ask(asked)
        self._told()
        return reply

    # What it has.

    def _name(self) -> str:
        return self._random.choice(self._names)

    def _mine(self, name: str) -> Own:
        return self._own.setdefault(name, Own())

    def _bytes(self, size: int) -> bytes:
        return self._random.randbytes(self._random.randint(size // 2, size))

    def _seed(self) -> str:
        self._made += 1
        return f"{self._number}-{self._made}-{self._random.random()}"

    def _unfinished(self) -> list[Sending]:
        """Its uploads that may go on; those of others are left to them."""
        return [
            sending
            for key, sending in list(self._promises.sendings.items())
            if sending.owner == self._number and self._promises.is_sure(key, OPEN)
        ]

    # What it does.

    def push(self) -> Flow[None]:
        """A blob, small or large, in one of all the ways."""
        name = self._name()
        flows, choose = self._flows, self._random.randrange(7)
        if choose == 0:
            digest = yield from flows.push_whole(name, self._bytes(SMALL))
        elif choose == 1:
            digest = yield from flows.push_whole(name, self._bytes(LARGE))
        elif choose == 2:
            digest = yield from flows.push(name, self._bytes(LARGE))
        elif choose == 3:
            digest = yield from flows.push(name, self._bytes(SMALL), "sha512")
        elif choose == 4:
            content = self._bytes(MIDDLE)
            digest = yield from flows.push_chunked(name, content, 40_000, tail=9_000)
        elif choose == 5:
            digest = yield from flows.push_streamed(name, self._bytes(LARGE), 100_000)
        else:
            digest = yield from flows.push(name, HOT)
            return
        self._mine(name).blobs.append(digest)

    def leave_unfinished(self) -> Flow[None]:
        """Begin an upload, and leave it."""
        content = self._bytes(MIDDLE)
        sending = yield from self._flows.begin(self._name(), content)
        sending.owner = self._number
        for end in (len(content) // 3, len(content) // 2):
            yield from self._flows.append(sending, end)

    def resume(self) -> Flow[None]:
        """Finish an upload that was left, as its file says where it is."""
        for sending in self._unfinished()[-1:]:
            yield from self._flows.resume(sending)

    def cancel(self) -> Flow[None]:
        """Give an upload up."""
        for sending in self._unfinished()[:1]:
            yield from self._flows.cancel(sending)

    def mount(self) -> Flow[None]:
        """Have one repository hold what another does, which may have lost it."""
        source, target = self._random.sample(self._names, 2)
        blobs = self._mine(source).blobs
        if not blobs:
            return
        digest = self._random.choice(blobs)
        given = self._random.choice([source, None])
        try:
            yield from self._flows.mount(target, digest, given)
        except Refused as refusal:
            raise AssertionError(f"{refusal}: {source} holds it") from refusal
        mine = self._mine(target).blobs
        if digest not in mine:
            mine.append(digest)

    def push_image(self) -> Flow[None]:
        """An image by digest, by a tag, or by several, some of which others move."""
        name = self._name()
        manifest = image(self._seed())
        for blob in manifest.blobs:
            yield from self._flows.push(name, blob)
        yield from self._flows.put_manifest(name, manifest.content, tags=self._tags())
        self._mine(name).manifests.append(manifest)

    def push_index(self) -> Flow[None]:
        """An index of images that are there; they stay as long as it does."""
        name = self._name()
        manifests = self._mine(name).manifests
        if len(manifests) < 3:
            return
        children = [manifests.pop(0), manifests.pop(0)]
        listing = index(children)
        yield from self._flows.put_manifest(name, listing.content, tags=self._tags())

    def push_referrer(self) -> Flow[None]:
        """Something said about an image."""
        name = self._name()
        if not self._mine(name).manifests:
            return
        subject = self._random.choice(self._mine(name).manifests)
        said = artifact(
            "application/vnd.example.note", self._bytes(100), subject=subject
        )
        for blob in said.blobs:
            yield from self._flows.push(name, blob)
        yield from self._flows.put_manifest(name, said.content)

    def move_tag(self) -> Flow[None]:
        """Point a tag, that others may be moving, at an image that is there."""
        name = self._name()
        if self._mine(name).manifests:
            manifest = self._random.choice(self._mine(name).manifests)
            tag = self._random.choice(SHARED_TAGS)
            yield from self._flows.put_manifest(name, manifest.content, tags=[tag])

    def delete_tag(self) -> Flow[None]:
        """A tag of its own, or one that others move and delete."""
        tag = self._random.choice([*SHARED_TAGS, self._own_tag()])
        yield from _gone_is_well(self._flows.delete_tag(self._name(), tag))

    def delete_manifest(self) -> Flow[None]:
        """An image of its own."""
        manifests = self._mine(name := self._name()).manifests
        if manifests:
            manifest = manifests.pop(self._random.randrange(len(manifests)))
            yield from self._flows.delete_manifest(name, manifest.digest)

    def delete_blob(self) -> Flow[None]:
        """A blob of its own that no manifest names."""
        blobs = self._mine(name := self._name()).blobs
        if blobs:
            digest = blobs.pop(self._random.randrange(len(blobs)))
            yield from self._flows.delete_blob(name, digest)

    def _own_tag(self) -> str:
        return f"own-{self._number}-{self._random.randrange(3)}"

    def _tags(self) -> list[str]:
        some = [*SHARED_TAGS, self._own_tag()]
        return self._random.sample(some, self._random.randrange(len(some)))

    def restarted(self) -> None:
        """Forget what may not be there: its last request was not answered."""
        for name, own in self._own.items():
            own.blobs = [d for d in own.blobs if self._has("blob", name, d)]
            own.manifests = [
                m for m in own.manifests if self._has("manifest", name, m.digest)
            ]

    def _has(self, kind: str, name: str, digest: Digest) -> bool:
        return self._promises.is_sure(Key(kind, name, str(digest)), HELD)


def _gone_is_well(flow: Flow[None]) -> Flow[None]:
    try:
        yield from flow
    except Refused as refusal:
        if refusal.reply.status != 404:
            raise


_ACTIONS = [
    *[Worker.push] * 4,
    *[Worker.push_image] * 4,
    *[Worker.leave_unfinished] * 2,
    *[Worker.mount] * 2,
    *[Worker.move_tag] * 3,
    Worker.push_index,
    Worker.push_referrer,
    Worker.resume,
    Worker.cancel,
    Worker.delete_tag,
    Worker.delete_manifest,
    Worker.delete_blob,
]
"""One of these is done at a time; what is there several times more often."""
