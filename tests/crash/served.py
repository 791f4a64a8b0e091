"""A registry in this process on a real directory, and ways to ask it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import Literal, ParamSpec, TypeVar
from uuid import UUID

import attrs
from flows import Asked, Flow, Refused, Reply, run
from promises import Key, Promises
from truth import Truth
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from registry.core.name import RepositoryName
from registry.storage.disk import Disk
from registry.storage.filesystem import FilesystemDriver
from registry.storage.layout import upload_data
from registry.storage.whole_sync import NO_WHOLE_SYNC
from registry.testing.answers import parse_answers
from registry.testing.harness import Client, Harness, request_bytes
from registry.testing.results import result_of

Syncs = Literal["shared", "alone", "whole"]

P = ParamSpec("P")
T = TypeVar("T")


class Queued:
    """Workers that do their work when told to, one turn after the other."""

    def __init__(self) -> None:
        self._turns: deque[Callable[[], None]] = deque()

    def run(
        self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        turn: Deferred[T] = Deferred()

        def task() -> None:
            try:
                result = work(*args, **kwargs)
            except Exception:  # noqa: BLE001 - it is for whoever waits
                turn.errback(Failure())
            else:
                turn.callback(result)

        self._turns.append(task)
        return turn

    def work(self) -> bool:
        """Do all that waits, and what comes of it; whether there was anything."""
        waited = bool(self._turns)
        while self._turns:
            self._turns.popleft()()
        return waited


@attrs.frozen
class Whole:
    """Syncs the whole file system as soon as two things would have to be synced."""

    disk: Disk
    root: str

    def is_cheaper(self, paths: Sequence[str]) -> bool:
        """Whether they are two."""
        return len(paths) > 1

    def sync(self) -> None:
        """Make all durable."""
        self.disk.sync_tree(self.root)

    def close(self) -> None:
        """Nothing is open."""


class Restarted(Harness):
    """A registry that may find uploads of the one before it: names are never reused."""

    _numbers = count(1)

    def _new_id(self) -> str:
        return str(UUID(int=next(self._numbers), version=4))


class Served:
    """A registry behind the real channel, with its files below ``root`` on ``disk``.

    ``syncs`` is how: shared by requests, or for each alone, or of the whole at once.
    """

    def __init__(
        self, root: str, disk: Disk | None = None, *, syncs: Syncs = "shared"
    ) -> None:
        self.root = root
        self._workers = Queued()
        disk = disk or Disk()
        self._driver = FilesystemDriver(
            disk=disk,
            workers=self._workers,
            root=root,
            whole=Whole(disk, root) if syncs == "whole" else NO_WHOLE_SYNC,
            shares_syncs=syncs != "alone",
        )
        self._harness = Restarted(driver=self._driver)
        self._client: Client | None = None

    def ask(self, asked: Asked) -> Reply:
        """The answer to one request, on the connection of the one before."""
        client = self._client
        if client is None or not client.is_open:
            client = self._client = self._harness.connect()
        return self._exchange([(asked, client)])[0]

    def together(self, flows: Sequence[Flow[object]]) -> list[Refused]:
        """Run ``flows`` in step: what they ask is asked at the same moment."""
        refused: list[Refused] = []
        going = [(flow, next(flow)) for flow in flows]
        while going:
            connect = self._harness.connect
            replies = self._exchange([(asked, connect()) for _, asked in going])
            pairs, going = zip(going, replies, strict=True), []
            for (flow, _), reply in pairs:
                try:
                    going.append((flow, flow.send(reply)))
                except StopIteration:
                    pass
                except Refused as refusal:
                    refused.append(refusal)
        return refused

    def run(self, flow: Flow[T]) -> T:
        """The result of one flow. Raises Refused."""
        return run(flow, self.ask)

    def truth(
        self, promises: Promises, *, at: float | None = None, is_torn: bool = False
    ) -> Truth:
        """What it shows, to be compared with what was promised."""
        return Truth(
            promises=promises,
            ask=self.ask,
            read_upload=self.read_upload,
            at=float("inf") if at is None else at,
            is_torn=is_torn,
        )

    def close(self) -> None:
        """Let go of all files."""
        result_of(self._driver.close())

    def read_upload(self, key: Key) -> bytes:
        return read_upload(self.root, key)

    def _exchange(self, several: Sequence[tuple[Asked, Client]]) -> list[Reply]:
        """The answers to what is asked at the same moment, each on its connection."""
        for asked, client in several:
            client.send(_request(asked))
        self._settle()
        return [_reply(asked, client) for asked, client in several]

    def _settle(self) -> None:
        """Let all happen that is on its way."""
        while self._workers.work():
            self._harness.advance(0)


def _request(asked: Asked) -> bytes:
    body, headers = asked.body, dict(asked.headers)
    if not isinstance(body, bytes):
        headers["Transfer-Encoding"] = "chunked"
        parts = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in body]
        body = b"".join([*parts, b"0\r\n\r\n"])
    elif not body and asked.method in ("POST", "PUT", "PATCH"):
        headers["Content-Length"] = "0"
    return request_bytes(asked.method, asked.target, headers=headers, body=body)


def _reply(asked: Asked, client: Client) -> Reply:
    """What has come since the last reply, which must be one whole answer."""
    said, client.transport.received = client.received, b""
    answers, rest = parse_answers(said, [asked.method])
    assert len(answers) == 1, f"{asked} was answered with {said[:500]!r}"
    assert not rest, f"{asked} was answered with {said[:500]!r}"
    [answer] = answers
    headers = {name.lower(): value for name, value in answer.headers}
    return Reply(answer.status, headers, answer.body)


def read_upload(root: str, key: Key) -> bytes:
    """The bytes in the file of an unfinished upload; none where it has no file."""
    path = upload_data(RepositoryName(key.name), key.reference)
    try:
        with open(os.path.join(root, path), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""
