"""What clients do in the tests of faults and of power cuts, one scenario after another.

All begin on the same store, which ``prepare`` fills. Content is always the same, so
that the calls of a scenario are too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import attrs
from flows import Flow, Flows, Refused, run
from promises import Promises, Sending
from served import Served, Syncs

from registry.core.digest import Digest
from registry.testing.images import Manifest, artifact, image

APP, OTHER = "team/app", "other"

FIRST = image("first")
SECOND = image("first", annotations={"number": "second"})
SIGNATURE = artifact("application/vnd.example.note", b"noted", subject=FIRST)
LATER = artifact("application/vnd.example.note", b"noted", subject=SECOND)
EXTRA = b"nobody names this" * 10
SMALL = b"small" * 20
UNFINISHED = b"to be continued " * 40

Does = Callable[[Flows], Sequence[Flow[object]]]


@attrs.frozen
class Scenario:
    """Flows that are run in turn or, if they go ``together``, in step.

    ``syncs`` says how the registry does, see ``Served``.
    """

    name: str
    does: Does
    together: bool = False
    syncs: Syncs = "shared"

    def run(self, served: Served, flows: Flows) -> list[Refused]:
        """Do it; those that were refused."""
        if self.together:
            return served.together(self.does(flows))
        refused: list[Refused] = []
        for flow in self.does(flows):
            try:
                run(flow, served.ask)
            except Refused as refusal:
                refused.append(refusal)
        return refused


def prepare(served: Served, flows: Flows) -> None:
    """Fill a store: two repositories, tags, a referrer, an unfinished upload."""
    for blob in {**FIRST.blobs_by_digest(), **LATER.blobs_by_digest()}.values():
        served.run(flows.push_whole(APP, blob))
    served.run(flows.put_manifest(APP, FIRST.content, tags=["latest", "v1"]))
    served.run(flows.put_manifest(APP, SECOND.content, tags=["old"]))
    served.run(flows.put_manifest(APP, SIGNATURE.content))
    served.run(flows.push(APP, EXTRA, "sha512"))
    served.run(flows.push(OTHER, b"something else"))
    sending = served.run(flows.begin(APP, UNFINISHED))
    served.run(flows.append(sending, 200))


def again(
    scenario: Scenario,
    served: Served,
    promises: Promises,
    *,
    said: str,
    is_torn: bool = False,
) -> None:
    """Do it once more, as clients do: what is gone already need not be deleted.

    An upload that has ended, or ``is_torn``, is begun anew.
    """
    flows = Flows(promises)
    expected = (400, 404) if is_torn else (404,)
    for refusal in scenario.run(served, flows):
        assert refusal.reply.status in expected, f"{said}: {refusal}"
        if refusal.asked.method != "DELETE":
            assert "/blobs/uploads/" in refusal.asked.target, f"{said}: {refusal}"
            served.run(flows.push(APP, UNFINISHED))


def noise(size: int) -> bytes:
    """Bytes without a pattern, the same every time."""
    return random.Random(size).randbytes(size)


def unfinished(flows: Flows) -> Sending:
    """The upload that is there from the start."""
    [sending] = [s for s in flows.promises.sendings.values() if s.content == UNFINISHED]
    return sending


def layer_of(manifest: Manifest) -> Digest:
    """The digest of an image's layer."""
    return Digest.of(manifest.blobs[1])


def many(flows: Flows) -> list[Flow[object]]:
    """Several clients at once."""
    return [
        flows.push(APP, SMALL),
        flows.push(OTHER, SMALL),
        flows.push("third", SMALL, "sha512"),
        flows.push_chunked(OTHER, noise(5_000), 2_000, tail=500),
        flows.mount("third", layer_of(FIRST), APP),
        flows.put_manifest(APP, LATER.content, tags=["report"]),
        flows.put_manifest(APP, FIRST.content, tags=["old"]),
        flows.delete_tag(APP, "v1"),
        flows.cancel(unfinished(flows)),
    ]


SCENARIOS = [
    Scenario("a blob in one request", lambda f: [f.push_whole(APP, SMALL)]),
    Scenario("a blob in a new repository", lambda f: [f.push("a/new/one", SMALL)]),
    Scenario("a blob that is there", lambda f: [f.push(APP, EXTRA)]),
    Scenario("a blob as sha512", lambda f: [f.push(OTHER, SMALL, "sha512")]),
    Scenario(
        "a blob in chunks",
        lambda f: [f.push_chunked(OTHER, noise(250_000), 100_000, tail=50_000)],
    ),
    Scenario(
        "a large blob", lambda f: [f.push_streamed(OTHER, noise(1_300_000), 400_000)]
    ),
    Scenario("an upload resumed", lambda f: [f.resume(unfinished(f))]),
    Scenario("an upload cancelled", lambda f: [f.cancel(unfinished(f))]),
    Scenario("a mount", lambda f: [f.mount(OTHER, layer_of(FIRST), APP)]),
    Scenario(
        "a mount from anywhere", lambda f: [f.mount("new", layer_of(FIRST), None)]
    ),
    Scenario("a manifest", lambda f: [f.put_manifest(APP, LATER.content)]),
    Scenario(
        "a manifest with tags",
        lambda f: [f.put_manifest(APP, LATER.content, tags=["latest", "new"])],
    ),
    Scenario(
        "a tag moved",
        lambda f: [f.put_manifest(APP, SECOND.content, tags=["latest"])],
    ),
    Scenario("a tag deleted", lambda f: [f.delete_tag(APP, "v1")]),
    Scenario("a manifest deleted", lambda f: [f.delete_manifest(APP, FIRST.digest)]),
    Scenario("a blob deleted", lambda f: [f.delete_blob(APP, Digest.of(EXTRA))]),
    Scenario("a repository deleted", lambda f: [f.delete_repository(APP)]),
    Scenario(
        "tags, synced as a whole",
        lambda f: [f.put_manifest(APP, LATER.content, tags=["latest", "new"])],
        syncs="whole",
    ),
    Scenario("many at once", many, together=True),
    Scenario("many, synced as a whole", many, together=True, syncs="whole"),
    Scenario("many, each for itself", many, together=True, syncs="alone"),
]
