"""A look at a whole store: every kind of damage is found, and nothing else is."""

from __future__ import annotations

import json
import os
import shutil
import tracemalloc
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from stores import NAME, Store
from twisted.internet.defer import Deferred

from registry.core.digest import Digest
from registry.core.name import RepositoryName, Tag
from registry.core.rules import ReferenceRules
from registry.maintenance.verify.crew import Crew
from registry.maintenance.verify.examination import PATIENCE
from registry.maintenance.verify.finding import Finding, Kind, Severity
from registry.maintenance.verify.known import KnownContents
from registry.maintenance.verify.progress import Progress
from registry.maintenance.verify.repairs import Repairs, in_order
from registry.maintenance.verify.verifier import Verifier
from registry.storage.layout import (
    BLOBS,
    QUARANTINE,
    REPOSITORIES,
    ROOT,
    blob_data,
    layer_link,
    layers,
    revision_link,
    tag_current,
    tag_index,
    tag_indexes,
    tags,
    upload,
)
from registry.storage.workers import Inline
from registry.testing.images import Manifest, artifact, image, index
from registry.testing.results import result_of

APP = image("app")
CONFIG, LAYER = APP.blobs
LATEST = Tag("latest")
LATER = 4_000_000_000.0
LARGE = bytes(2 * 1024 * 1024)
Damage = tuple[Severity, Kind, str]


def verifier(
    store: Store, found: list[Finding], *, is_shared: bool = False
) -> Verifier:
    return Verifier(
        driver=store.driver,
        survey=store.survey,
        workers=Inline(),
        clock=store.clock,
        rules=ReferenceRules(),
        tell=found.append,
        at_once=3,
        before=LATER,
        is_shared=is_shared,
        is_served=is_served,
    )


async def is_served() -> bool:
    return True


def verify(store: Store) -> tuple[list[Finding], Progress]:
    """What is found by a look at a store that nobody else writes."""
    found: list[Finding] = []
    looking = verifier(store, found)
    store.run(looking.run())
    return found, looking.progress


def told(store: Store) -> set[Damage]:
    return {(one.severity, one.kind, one.path) for one in verify(store)[0]}


def damage(kind: Kind, path: str) -> Damage:
    return Severity.DAMAGE, kind, path


def note(kind: Kind, path: str) -> Damage:
    return Severity.NOTE, kind, path


def repaired(store: Store) -> tuple[dict[str, str], int]:
    """What repairs did, by path, and how much damage they left."""
    found: list[Finding] = []
    looking = verifier(store, found)
    store.run(looking.run())
    repairs = Repairs(driver=store.driver, registry=store.registry)
    results = {
        one.path: store.run(repairs.make(repair)).name
        for one, repair in in_order(found)
    }
    return results, store.run(looking.left())


def test_a_sound_store_has_nothing_to_tell(store: Store) -> None:
    whole = index([APP, image("other", architecture="arm64")])
    store.push(whole, "latest")
    store.push(artifact("a/b", b"signed", subject=whole), "signature")
    store.push(whole, "latest", RepositoryName("other"))
    result_of(store.push_blob(LARGE))
    found, progress = verify(store.again())
    assert found == []
    assert (progress.repositories, progress.contents) == (2, 11)
    assert (progress.manifests, progress.tags, progress.unheld) == (7, 7, 0)
    assert progress.bytes > len(LARGE)
    assert progress.part == 1.0


def test_an_empty_store_is_sound(store: Store) -> None:
    assert verify(store)[0] == []


def test_other_algorithms_are_followed(store: Store) -> None:
    store.push(APP, "latest")
    alias = Digest.of(APP.content, "sha512")
    store.run(
        store.registry.manifests.put(
            NAME,
            alias,
            tags=[Tag("long")],
            body=APP.content,
            content_type=None,
            may_replace=None,
        )
    )
    assert told(store) == set()
    store.file(revision_link(NAME, alias)).write_bytes(b"")
    path = revision_link(NAME, alias)
    [torn] = verify(store)[0]
    assert (torn.kind, torn.path, torn.repair) == (Kind.LINK_TORN, path, None)


def test_content_under_another_algorithm_is_hashed_with_that(store: Store) -> None:
    digest = Digest.of(b"content", "sha512")
    data = store.file(blob_data(digest))
    data.parent.mkdir(parents=True)
    data.write_bytes(b"content")
    assert told(store) == set()
    data.write_bytes(b"damage")
    assert told(store) == {damage(Kind.CONTENT_DAMAGED, blob_data(digest))}


@pytest.mark.parametrize("content", [LAYER, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    "harm",
    [lambda _: b"", lambda data: data[:-1], lambda data: data[:-1] + b"?"],
    ids=["empty", "short", "flipped"],
)
def test_damaged_content_is_found_with_all_that_rely_on_it(
    store: Store, content: bytes, harm: Callable[[bytes], bytes]
) -> None:
    other = RepositoryName("other")
    app = with_layer(content)
    for name in (NAME, other):
        store.push(app, "latest", name)
    path = blob_data(Digest.of(content))
    store.file(path).write_bytes(harm(content))
    expected = {damage(Kind.CONTENT_DAMAGED, path)}
    for name in (NAME, other):
        link = layer_link(name, Digest.of(content))
        expected.add(damage(Kind.CONTENT_MISSING, link))
        manifest = revision_link(name, app.digest)
        expected.add(damage(Kind.REFERENCE_MISSING, manifest))
    assert told(store) == expected


def with_layer(content: bytes) -> Manifest:
    """An image with this layer."""
    document = json.loads(APP.content)
    document["layers"][0] |= {
        "digest": str(Digest.of(content)),
        "size": len(content),
    }
    body = json.dumps(document).encode()
    return Manifest(APP.media_type, body, (CONFIG, content))


def test_what_is_missing_is_found(store: Store) -> None:
    store.push(APP, "latest")
    store.data(LAYER).unlink()
    assert told(store) == {
        damage(Kind.CONTENT_MISSING, layer_link(NAME, Digest.of(LAYER))),
        damage(Kind.REFERENCE_MISSING, revision_link(NAME, APP.digest)),
    }
    store.data(APP.content).unlink()
    store.file(layer_link(NAME, Digest.of(LAYER))).unlink()
    assert told(store) == {
        damage(Kind.CONTENT_MISSING, revision_link(NAME, APP.digest))
    }


def test_a_child_that_the_repository_does_not_hold_is_found(store: Store) -> None:
    whole = index([APP])
    store.push(whole, "latest")
    shutil.rmtree(store.file(revision_link(NAME, APP.digest)).parent)
    tag = Tag(f"latest-{APP.digest.hex[:8]}")
    assert told(store) == {
        damage(Kind.REFERENCE_MISSING, revision_link(NAME, whole.digest)),
        damage(Kind.TAG_DANGLING, tag_current(NAME, tag)),
    }


def test_an_index_whose_children_are_layers_is_sound(store: Store) -> None:
    """BuildKit's cache."""
    result_of(store.push_blob(LAYER))
    cache = index([Manifest("application/vnd.oci.image.layer.v1.tar+gzip", LAYER)])
    store.push(Manifest(cache.media_type, cache.content), "cache")
    assert told(store) == set()


def test_a_subject_that_is_not_there_is_allowed(store: Store) -> None:
    store.push(artifact("a/b", b"signed", subject=APP), "signature")
    assert told(store) == {note(Kind.SUBJECT_MISSING, revision_link(NAME, APP.digest))}


def test_content_that_nobody_holds_is_counted(store: Store) -> None:
    store.push(APP, "latest")
    store.run(store.registry.manifests.delete(NAME, APP.digest))
    found, progress = verify(store)
    assert (found, progress.unheld) == ([], 1)


@pytest.mark.parametrize("torn", [b"", b"sha256:12", b"\0" * 71, b"x" * 5000])
def test_torn_links_are_found_and_repaired(store: Store, torn: bytes) -> None:
    store.push(APP, "latest")
    paths = [
        layer_link(NAME, Digest.of(LAYER)),
        revision_link(NAME, APP.digest),
        tag_index(NAME, LATEST, APP.digest),
        tag_current(NAME, LATEST),
    ]
    contents = store.tear(paths, torn)
    again = store.again()
    assert {damage(Kind.LINK_TORN, path) for path in paths} <= told(again)
    assert repaired(again) == (dict.fromkeys(paths, "MENDED"), 0)
    assert [store.file(path).read_bytes() for path in paths] == contents
    assert told(store.again()) == set()


def test_a_repair_of_one_thing_mends_what_relies_on_it(store: Store) -> None:
    store.push(APP, "latest")
    path = layer_link(NAME, Digest.of(LAYER))
    store.file(path).write_bytes(b"")
    assert told(store) == {
        damage(Kind.LINK_TORN, path),
        damage(Kind.REFERENCE_MISSING, revision_link(NAME, APP.digest)),
    }
    assert repaired(store.again()) == ({path: "MENDED"}, 0)


def test_damaged_content_is_set_aside_and_stays_damage_until_it_is_pushed(
    store: Store,
) -> None:
    store.push(APP, "latest")
    store.data(LAYER).write_bytes(b"damage")
    again = store.again()
    path = blob_data(Digest.of(LAYER))
    results, left = repaired(again)
    assert (results, left) == ({path: "SET_ASIDE"}, 2)
    [kept] = store.file(QUARANTINE).rglob("data")
    assert kept.read_bytes() == b"damage"
    again.run(again.push_blob(LAYER))
    assert told(again) == set()


def test_a_link_to_nothing_is_beyond_repair(store: Store) -> None:
    store.push(APP, "latest")
    path = layer_link(NAME, Digest.of(LAYER))
    store.file(path).write_bytes(b"")
    store.data(LAYER).unlink()
    results, left = repaired(store.again())
    assert (results, left) == ({path: "BEYOND"}, 2)


def test_a_tag_without_history(store: Store) -> None:
    store.push(APP, "latest")
    shutil.rmtree(store.file(tag_indexes(NAME, LATEST)))
    entry = tag_index(NAME, LATEST, APP.digest)
    assert told(store) == {note(Kind.HISTORY_INCOMPLETE, entry)}
    store.file(tag_current(NAME, LATEST)).unlink()
    place = f"{tags(NAME)}/latest"
    assert told(store) == {note(Kind.HISTORY_INCOMPLETE, place)}


def test_leftovers_are_notes_and_swept(store: Store) -> None:
    store.push(APP, "latest")
    half = upload(NAME, str(uuid.uuid4()))
    store.file(half).mkdir(parents=True)
    swept = [
        f"{blob_data(Digest.of(LAYER))}.{uuid.uuid4()}.tmp",
        f"{layer_link(NAME, Digest.of(LAYER))}.{uuid.uuid4()}.tmp",
        f"{tag_current(NAME, LATEST)}.{uuid.uuid4()}.tmp",
    ]
    for path in swept:
        store.file(path).write_bytes(b"half")
    assert told(store) == {
        note(Kind.HALF_MADE_UPLOAD, half),
        *(note(Kind.LEFTOVER, path) for path in swept),
    }
    results, left = repaired(store.again())
    assert (set(results), left) == ({half, *swept}, 0)
    assert told(store.again()) == set()


# Bad input


def test_unknown_files_are_told_and_never_touched(store: Store) -> None:
    store.push(APP, "latest")
    strange = [
        f"{ROOT}/notes",
        f"{BLOBS}/notes",
        f"{BLOBS}/md5",
        f"{BLOBS}/sha256/notes",
        f"{BLOBS}/sha256/aa/notes",
        f"{blob_data(Digest.of(LAYER))}.bak",
        f"{REPOSITORIES}/notes",
        f"{REPOSITORIES}/team/app/notes",
        f"{REPOSITORIES}/team/app/_notes",
        f"{layers(NAME)}/sha256/notes",
        f"{layer_link(NAME, Digest.of(LAYER))}.bak",
        f"{tags(NAME)}/.notes",
        f"{upload(NAME, 'notes')}",
    ]
    for path in strange:
        store.file(path).parent.mkdir(parents=True, exist_ok=True)
        store.file(path).write_text("mine")
    found = told(store)
    assert {note(Kind.UNKNOWN_FILE, path) for path in strange} <= found
    assert {severity for severity, _, _ in found} == {Severity.NOTE}
    repaired(store.again())
    assert all(store.file(path).read_text() == "mine" for path in strange)


def test_links_in_the_tree_are_followed_and_never_in_circles(
    store: Store, tmp_path: Path
) -> None:
    store.push(APP, "latest")
    blobs = store.file(BLOBS)
    blobs.rename(tmp_path / "elsewhere")
    blobs.symlink_to(tmp_path / "elsewhere")
    assert told(store) == set()
    for place, target in (
        ("circle", ".."),
        ("team/circle", "."),
        ("nowhere", "not-there"),
        ("self", "self"),
    ):
        store.file(f"{REPOSITORIES}/{place}").symlink_to(target)
    found = told(store)
    assert {severity for severity, _, _ in found} == {Severity.NOTE}
    assert note(Kind.UNKNOWN_FILE, f"{REPOSITORIES}/nowhere") in found
    assert note(Kind.UNKNOWN_FILE, f"{REPOSITORIES}/self") in found


def test_content_that_is_a_link_or_a_directory(store: Store, tmp_path: Path) -> None:
    store.push(APP, "latest")
    data = store.data(LAYER)
    data.rename(tmp_path / "layer")
    data.symlink_to(tmp_path / "layer")
    assert {one.severity for one in verify(store)[0]} == {Severity.UNREADABLE}
    data.unlink()
    data.symlink_to("not-there")
    assert damage(Kind.CONTENT_MISSING, layer_link(NAME, Digest.of(LAYER))) in told(
        store
    )
    data.unlink()
    data.mkdir()
    assert damage(Kind.CONTENT_MISSING, layer_link(NAME, Digest.of(LAYER))) in told(
        store
    )
    link = store.file(layer_link(NAME, Digest.of(CONFIG)))
    link.unlink()
    link.mkdir()
    found = {(one.severity, one.kind) for one in verify(store)[0]}
    assert (Severity.UNREADABLE, Kind.NOT_READ) in found


def test_a_pipe_does_not_hold_it_up(store: Store) -> None:
    store.push(APP, "latest")
    link = store.file(layer_link(NAME, Digest.of(CONFIG)))
    link.unlink()
    os.mkfifo(link)
    found = {(one.severity, one.kind) for one in verify(store)[0]}
    assert (Severity.UNREADABLE, Kind.NOT_READ) in found


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"[" * 100_000, b'{"manifests": 1}', b"\xff\xfe", b"null"],
)
def test_what_is_held_as_a_manifest_and_is_none(store: Store, body: bytes) -> None:
    result_of(store.push_blob(body))
    digest = Digest.of(body)
    link = store.file(revision_link(NAME, digest))
    link.parent.mkdir(parents=True)
    link.write_text(str(digest))
    assert told(store) == {note(Kind.NOT_A_MANIFEST, revision_link(NAME, digest))}


def test_an_index_of_a_hundred_thousand_entries(store: Store) -> None:
    store.push(APP, "latest")
    described = APP.descriptor
    absent = {**described, "digest": str(Digest.of(b"absent"))}
    document = json.loads(index([APP]).content)
    document["manifests"] = [described] * 99_999 + [absent]
    body = json.dumps(document).encode()
    digest = Digest.of(body)
    for path, content in (
        (blob_data(digest), body),
        (revision_link(NAME, digest), str(digest).encode()),
    ):
        store.file(path).parent.mkdir(parents=True)
        store.file(path).write_bytes(content)
    [found] = verify(store)[0]
    assert (found.kind, found.path) == (
        Kind.REFERENCE_MISSING,
        revision_link(NAME, digest),
    )
    assert str(Digest.of(b"absent")) in found.message


# While somebody writes


def shared(store: Store, meanwhile: Callable[[], None]) -> list[Finding]:
    """What is found while somebody writes, who does ``meanwhile`` between two looks."""
    found: list[Finding] = []
    running = Deferred.fromCoroutine(verifier(store, found, is_shared=True).run())
    for _ in range(10_000):
        if running.called or store.clock.getDelayedCalls():
            break
        store.clock.advance(0)
    meanwhile()
    for _ in range(10):
        store.clock.advance(PATIENCE)
    outcome: list[object] = []
    running.addBoth(outcome.append)
    assert outcome == [None]
    return found


def test_what_is_in_motion_is_no_damage(store: Store) -> None:
    store.push(APP, "latest")
    data = store.data(LAYER)
    content = data.read_bytes()
    data.write_bytes(b"half")
    assert shared(store, lambda: None) != []
    data.write_bytes(b"half")
    assert shared(store, lambda: bool(data.write_bytes(content)) and None) == []


def test_what_is_deleted_meanwhile_is_no_damage(store: Store) -> None:
    store.push(APP, "latest")
    store.data(LAYER).unlink()
    repository = store.file(f"{REPOSITORIES}/team")
    assert shared(store, lambda: shutil.rmtree(repository)) == []


# Parts


def test_a_million_contents_are_known_in_nine_bytes_each() -> None:
    known = KnownContents()
    count = 20_000
    digests = sorted(Digest.of(str(n).encode()) for n in range(1000))
    tracemalloc.start()
    for number in range(count):
        known.add(Digest("sha256", f"{number * 2**40:016x}{0:048x}"))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 20 * count
    for digest in digests:
        known.add(digest)
        known.add(digest)
    assert len(known) == count + 1000
    for digest in digests[:600]:
        known.hold(digest)
    assert known.unheld == count + 400


def test_a_crew_takes_no_more_than_it_can_and_tells_of_failure() -> None:
    waiting: list[Deferred[None]] = []
    begun: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        waiting.append(Deferred())
        await waiting[-1]

    async def all_of_it() -> None:
        crew = Crew(size=2)
        for number in range(5):
            await crew.take(lambda number=number: work(number))  # type: ignore[misc]
        await crew.finish()

    running = Deferred.fromCoroutine(all_of_it())
    assert begun == [0, 1]
    waiting[0].callback(None)
    assert begun == [0, 1, 2]
    waiting[1].errback(ValueError("broken"))
    waiting[2].callback(None)
    with pytest.raises(ValueError, match="broken"):
        result_of(_awaited(running))


async def _awaited(deferred: Deferred[None]) -> None:
    await deferred
