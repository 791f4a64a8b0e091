"""After an unclean stop: damage is found, links are mended, leftovers are swept."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from stores import NAME, Store
from twisted.logger import capturedLogs, formatEvent

from registry.core.digest import Digest
from registry.core.errors import ManifestUnknown
from registry.core.name import RepositoryName, Tag
from registry.maintenance.pace import Pace
from registry.maintenance.recovery import Recovered, Recovery
from registry.storage.driver import StorageFailure
from registry.storage.layout import (
    QUARANTINE,
    layer_link,
    revision_link,
    tag_current,
    tag_index,
    tag_indexes,
    upload,
)
from registry.storage.workers import Inline
from registry.testing.images import artifact, image, index

APP = image("app")
LAYER = APP.blobs[1]
LATEST = Tag("latest")
TORN = [b"", b"sha256:12", b"\0" * 71]
LATER = 4_000_000_000.0
"""A moment after everything that a test does."""


def recover(
    store: Store, *, since: float = 0.0, before: float = LATER, checked: int = 1
) -> tuple[Recovered, list[str]]:
    """What a recovery did and said; ``checked`` is how often it should call an end."""
    ended: list[None] = []

    async def is_checked() -> None:
        ended.append(None)

    recovery = Recovery(
        driver=store.driver,
        registry=store.registry,
        survey=store.survey,
        workers=Inline(),
        pace=Pace(clock=store.clock, rate=0),
        since=since,
        before=before,
        checked=is_checked,
    )
    with capturedLogs() as logged:
        store.run(recovery.run())
    assert len(ended) == checked
    return recovery.done, [formatEvent(event) or "" for event in logged]


def served(store: Store, reference: Digest | Tag = LATEST) -> bytes:
    return store.run(store.registry.manifests.get(NAME, reference)).body


def test_a_sound_store_is_left_as_it_is(store: Store) -> None:
    store.push(index([APP, image("other")]), "latest")
    before = contents_of(store.root)
    done, said = recover(store.again())
    assert done == Recovered(verified=7)
    assert contents_of(store.root) == before
    assert len(said) == 2
    assert said[1].startswith("recovery: 7 contents verified, 0 damaged")


def contents_of(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("damage", [b"", LAYER[:-1], LAYER[::-1]])
def test_content_that_was_written_lately_is_verified(
    store: Store, damage: bytes
) -> None:
    store.push(APP, "latest")
    store.data(LAYER).write_bytes(damage)
    again = store.again()
    done, said = recover(again)
    assert (done.verified, done.damaged) == (2, 1)
    assert any(str(Digest.of(LAYER)) in line and QUARANTINE in line for line in said)
    assert not store.data(LAYER).exists()
    again.run(again.push_blob(LAYER))
    assert again.data(LAYER).read_bytes() == LAYER
    assert again.registry.quarantine.concern() is None


def test_content_from_before_is_taken_for_granted_unless_it_is_empty(
    store: Store,
) -> None:
    store.push(APP, "latest")
    store.data(APP.blobs[0]).write_bytes(b"")
    store.data(LAYER).write_bytes(LAYER[:-1])
    done, _ = recover(store.again(), since=LATER)
    assert (done.verified, done.damaged) == (0, 1)
    assert store.data(LAYER).read_bytes() == LAYER[:-1]


@pytest.mark.parametrize("torn", TORN)
def test_torn_links_whose_path_says_all_are_rebuilt(store: Store, torn: bytes) -> None:
    store.push(APP, "latest")
    paths = [
        layer_link(NAME, Digest.of(LAYER)),
        revision_link(NAME, APP.digest),
        tag_index(NAME, LATEST, APP.digest),
    ]
    contents = store.tear(paths, torn)
    again = store.again()
    done, said = recover(again)
    assert (done.mended, done.beyond) == (3, 0)
    assert [store.file(path).read_bytes() for path in paths] == contents
    assert all(any(path in line for line in said) for path in paths)
    assert served(again) == APP.content


def test_a_torn_link_is_found_by_its_length_however_old_it_is(store: Store) -> None:
    store.push(APP, "latest")
    store.file(revision_link(NAME, APP.digest)).write_bytes(b"")
    assert recover(store.again(), since=LATER)[0].mended == 1


def test_a_link_to_content_that_is_not_there_is_not_rebuilt(store: Store) -> None:
    store.push(APP, "latest")
    link = store.file(layer_link(NAME, Digest.of(LAYER)))
    link.write_bytes(b"")
    store.data(LAYER).unlink()
    done, said = recover(store.again())
    assert (done.mended, done.beyond) == (0, 1)
    assert link.read_bytes() == b""
    assert any(str(Digest.of(LAYER).hex) in line for line in said)


def test_a_link_to_damaged_content_is_not_rebuilt(store: Store) -> None:
    store.push(APP, "latest")
    store.file(layer_link(NAME, Digest.of(LAYER))).write_bytes(b"")
    store.data(LAYER).write_bytes(b"damage")
    done, _ = recover(store.again())
    assert (done.damaged, done.beyond) == (1, 1)


def test_a_torn_alias_is_left_as_it_is(store: Store) -> None:
    store.push(APP, "latest")
    alias = store.file(revision_link(NAME, Digest.of(APP.content, "sha512")))
    alias.parent.mkdir(parents=True)
    alias.write_bytes(b"")
    assert recover(store.again())[0].beyond == 1
    alias.write_bytes(str(APP.digest).encode())
    assert recover(store.again())[0].beyond == 0


@pytest.mark.parametrize("torn", TORN)
def test_a_torn_tag_is_set_to_the_newest_entry_of_its_index(
    store: Store, torn: bytes
) -> None:
    newer = image("newer")
    store.push(APP, "latest")
    store.push(newer, "latest")
    current = store.file(tag_current(NAME, LATEST))
    current.write_bytes(torn)
    again = store.again()
    done, said = recover(again)
    assert done.mended == 1
    assert current.read_text() == str(newer.digest)
    assert any(tag_current(NAME, LATEST) in line for line in said)
    assert served(again) == newer.content


def test_a_tag_without_history_is_left_as_it_is(store: Store) -> None:
    store.push(APP, "latest")
    store.file(tag_current(NAME, LATEST)).write_bytes(b"")
    (entry,) = store.file(tag_indexes(NAME, LATEST)).rglob("link")
    entry.unlink()
    assert recover(store.again())[0].beyond == 1


def test_a_link_that_was_deleted_meanwhile_does_not_come_back(store: Store) -> None:
    store.push(APP, "latest")
    link = store.file(revision_link(NAME, APP.digest))
    link.write_bytes(b"")
    store.run(store.registry.manifests.delete(NAME, APP.digest))
    assert not link.exists()
    store.run(store.registry.mending.revision(NAME, APP.digest))
    assert not link.exists()


# Leftovers


def temporary(path: Path) -> Path:
    """A leftover beside ``path``, as a crash leaves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    leftover = path.with_name(f"{path.name}.{uuid.uuid4()}.tmp")
    leftover.write_bytes(b"half")
    return leftover


def test_temporary_files_are_swept_wherever_a_crash_leaves_them(store: Store) -> None:
    store.push(APP, "latest")
    session = store.file(upload(NAME, str(uuid.uuid4())))
    temporary(session / "startedat")
    (session / "data").write_bytes(b"half a layer")
    places = [
        store.data(LAYER),
        store.data(b"never pushed"),
        store.file(layer_link(NAME, Digest.of(LAYER))),
        store.file(revision_link(NAME, APP.digest)),
        store.file(tag_index(NAME, LATEST, APP.digest)),
        store.file(tag_current(NAME, LATEST)),
        store.file("_registry/running"),
    ]
    for place in places:
        temporary(place)
    done, said = recover(store.again())
    assert done.leftovers == 8
    assert list(store.root.rglob("*.tmp")) == []
    assert sum("the temporary file" in line for line in said) == 8
    assert (session / "data").read_bytes() == b"half a layer"


def test_foreign_files_are_never_swept(store: Store, tmp_path: Path) -> None:
    store.push(APP, "latest")
    precious = tmp_path / "precious"
    precious.write_text("kept")
    beside = store.data(LAYER).parent
    kept = [
        beside / "notes.tmp",
        beside / "data.tmp",
        beside / f"data.{uuid.uuid4()}.tmp.bak",
        beside / f"other.{uuid.uuid4()}.tmp",
        store.root / "notes.tmp",
        store.file("_registry/notes.tmp"),
    ]
    for path in kept:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    link = beside / f"data.{uuid.uuid4()}.tmp"
    link.symlink_to(precious)
    directory = beside / f"data.{uuid.uuid4()}.tmp"
    directory.mkdir()
    assert recover(store.again())[0].leftovers == 0
    assert all(path.read_text() == "mine" for path in kept)
    assert link.is_symlink()
    assert directory.is_dir()
    assert precious.read_text() == "kept"


def test_what_this_run_is_writing_is_not_swept(store: Store) -> None:
    store.push(APP, "latest")
    leftover = temporary(store.data(LAYER))
    started = os.stat(leftover).st_mtime
    assert recover(store, before=started)[0].leftovers == 0
    assert leftover.exists()


def session(store: Store, *names: str, named: str | None = None) -> Path:
    place = store.file(upload(NAME, named or str(uuid.uuid4())))
    place.mkdir(parents=True)
    for name in names:
        (place / name).write_text("2026-01-02T03:04:05Z")
    return place


def test_half_made_uploads_are_removed_and_others_stay(store: Store) -> None:
    gone = [session(store), session(store, "startedat")]
    kept = [
        session(store, "startedat", "data"),
        session(store, "data"),
        session(store, "startedat", "notes"),
        session(store, "startedat", named="notes"),
    ]
    done, said = recover(store.again())
    assert done.sessions == 2
    assert not any(place.exists() for place in gone)
    assert all(place.exists() for place in kept)
    assert sum("the half-made upload" in line for line in said) == 2


def test_a_half_made_upload_of_this_run_stays(store: Store) -> None:
    place = session(store, "startedat")
    assert recover(store, before=os.stat(place).st_mtime)[0].sessions == 0
    assert place.exists()


# Bad input


def test_what_cannot_be_read_is_told_and_the_next_start_looks_again(
    store: Store,
) -> None:
    store.push(APP, "latest")
    other = RepositoryName("other")
    store.push(APP, "latest", other)
    link = store.file(layer_link(NAME, Digest.of(LAYER)))
    link.unlink()
    link.mkdir()
    torn = store.file(layer_link(other, Digest.of(LAYER)))
    torn.write_bytes(b"")
    done, said = recover(store.again(), checked=0)
    assert (done.failed, done.mended) == (1, 1)
    assert any("could not be looked at" in line for line in said)


def test_links_that_lead_in_circles_end(store: Store) -> None:
    store.push(APP, "latest")
    repositories = store.file("docker/registry/v2/repositories")
    (repositories / "circle").symlink_to("..")
    (repositories / "team/circle").symlink_to(".")
    (repositories / "nowhere").symlink_to("not-there")
    (repositories / "self").symlink_to("self")
    store.file(revision_link(NAME, APP.digest)).write_bytes(b"")
    assert recover(store.again())[0].mended == 1


def test_strange_names_stop_nothing(store: Store) -> None:
    store.push(APP, "latest")
    for name in ("lost+found", "two words", "größe", "UPPER", "x" * 250):
        for place in (
            "docker/registry/v2/blobs",
            "docker/registry/v2/blobs/sha256",
            "docker/registry/v2/repositories",
            "docker/registry/v2/repositories/team/app/_manifests/tags",
            "docker/registry/v2/repositories/team/app/_layers/sha256",
            "docker/registry/v2/repositories/team/app/_uploads",
        ):
            temporary(store.file(f"{place}/{name}/data"))
            (store.file(place) / name / "link").write_text("x")
    store.file(revision_link(NAME, APP.digest)).write_bytes(b"")
    done, _ = recover(store.again())
    assert (done.mended, done.failed) == (1, 0)


def test_a_mended_referrer_is_listed_again(store: Store) -> None:
    store.push(APP, "latest")
    signature = artifact("application/vnd.example", b"signed", subject=APP)
    store.push(signature, "signature")
    link = store.file(revision_link(NAME, signature.digest))
    link.write_bytes(b"")
    again = store.again()
    referrers = again.registry.referrers
    assert again.run(referrers.to(NAME, APP.digest)) == []
    recover(again)
    [listed] = again.run(referrers.to(NAME, APP.digest))
    assert listed.digest == signature.digest


def test_damage_that_recovery_cannot_mend_stays_damage(store: Store) -> None:
    store.push(APP, "latest")
    store.file(tag_current(NAME, LATEST)).write_bytes(b"")
    (entry,) = store.file(tag_indexes(NAME, LATEST)).rglob("link")
    entry.unlink()
    again = store.again()
    recover(again)
    with pytest.raises(StorageFailure):
        served(again)
    with pytest.raises(ManifestUnknown):
        served(again, Tag("other"))
