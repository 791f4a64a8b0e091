"""What one of the two wrote, the other serves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from registry.core.digest import Digest
from registry.testing.client import Client
from registry.testing.images import INDEX, artifact, image, index, platforms
from registry.testing.push import missing, push
from registry.testing.servers import SharedDirectory

NAME = "team/app"

Pair = tuple[Callable[[], Client], Callable[[], Client]]
"""How to start the one that writes, and then the one that reads."""


@pytest.fixture(params=[("ours", "distribution"), ("distribution", "ours")], ids=str)
def pair(request: pytest.FixtureRequest, directory: SharedDirectory) -> Pair:
    """Ours writes and theirs reads, then the other way round."""
    writer, reader = request.param
    return getattr(directory, writer), getattr(directory, reader)


def test_an_image_is_served_by_tag_and_by_digest(pair: Pair) -> None:
    start_writer, start_reader = pair
    app = image("hello")
    push(start_writer(), NAME, "v1", app)

    reader = start_reader()

    assert missing(reader, NAME, app) == []
    by_tag = reader.manifest(NAME, "v1").expect(200)
    assert by_tag.body == app.content
    assert by_tag.header("Content-Type") == app.media_type
    assert by_tag.header("Docker-Content-Digest") == str(app.digest)


def test_a_multi_architecture_image_is_served(pair: Pair) -> None:
    start_writer, start_reader = pair
    app = platforms("hello")
    push(start_writer(), NAME, "v1", app)

    reader = start_reader()

    assert missing(reader, NAME, app) == []
    assert reader.manifest(NAME, "v1").expect(200).header("Content-Type") == INDEX


@pytest.mark.parametrize(
    "way", ["push_blob", "push_chunked_blob", "push_streamed_blob"]
)
def test_a_blob_is_served_however_it_was_pushed(pair: Pair, way: str) -> None:
    start_writer, start_reader = pair
    content = bytes(range(256)) * 4096
    digest = getattr(start_writer(), way)(NAME, content)

    answer = start_reader().blob(NAME, digest).expect(200)

    assert answer.body == content
    assert answer.header("Docker-Content-Digest") == str(digest)


def test_a_blob_pushed_by_sha512_is_served_by_both_digests(pair: Pair) -> None:
    start_writer, start_reader = pair
    content = b"known by two names"
    digest = start_writer().push_blob(NAME, content, algorithm="sha512")

    reader = start_reader()

    assert reader.blob(NAME, digest).expect(200).body == content
    assert reader.blob(NAME, Digest.of(content)).expect(200).body == content


def test_the_empty_blob_is_served(pair: Pair) -> None:
    start_writer, start_reader = pair
    digest = start_writer().push_blob(NAME, b"")

    assert start_reader().blob(NAME, digest).expect(200).body == b""


def test_a_mounted_blob_is_served_from_both_repositories(pair: Pair) -> None:
    start_writer, start_reader = pair
    writer = start_writer()
    digest = writer.push_blob(NAME, b"shared")
    query = f"mount={digest}&from={NAME}"
    writer.request("POST", f"/v2/other/blobs/uploads/?{query}").expect(201)

    reader = start_reader()

    assert reader.blob(NAME, digest).expect(200).body == b"shared"
    assert reader.blob("other", digest).expect(200).body == b"shared"


def test_tags_and_repositories_are_listed_alike(pair: Pair) -> None:
    start_writer, start_reader = pair
    writer = start_writer()
    for name in ("zebra", "a/b/c", "a", "team/app"):
        push(writer, name, "v1", image(name))
    for tag in ("v10", "v2", "V3", "latest"):
        push(writer, NAME, tag, image(tag))

    reader = start_reader()

    # As sets: Distribution 2.8 lists tags in no order, ours in the order of bytes.
    assert set(reader.tags(NAME)) == {"V3", "latest", "v1", "v10", "v2"}
    assert set(reader.catalog()) == {"a", "a/b/c", "team/app", "zebra"}


def test_what_was_deleted_is_gone(pair: Pair) -> None:
    start_writer, start_reader = pair
    writer = start_writer()
    kept, dropped = image("kept"), image("dropped")
    push(writer, NAME, "kept", kept)
    push(writer, NAME, "dropped", dropped)
    writer.request("DELETE", f"/v2/{NAME}/manifests/{dropped.digest}").expect(202)

    reader = start_reader()

    assert missing(reader, NAME, kept) == []
    reader.manifest(NAME, "dropped").expect(404)
    reader.manifest(NAME, dropped.digest).expect(404)
    assert reader.tags(NAME) == ["kept"]


def test_a_moved_tag_points_at_the_newer_image(pair: Pair) -> None:
    start_writer, start_reader = pair
    writer = start_writer()
    older, newer = image("older"), image("newer")
    push(writer, NAME, "latest", older)
    push(writer, NAME, "latest", newer)

    reader = start_reader()

    assert reader.manifest(NAME, "latest").expect(200).body == newer.content
    assert missing(reader, NAME, older) == []


def test_content_survives_many_changes_of_server(directory: SharedDirectory) -> None:
    images = [image(f"build {number}") for number in range(4)]
    for number, app in enumerate(images):
        server = directory.ours() if number % 2 else directory.distribution()
        push(server, NAME, f"v{number}", app)

    for start in (directory.ours, directory.distribution):
        server = start()
        assert set(server.tags(NAME)) == {"v0", "v1", "v2", "v3"}
        assert [missing(server, NAME, app) for app in images] == [[]] * 4


def test_we_list_the_referrers_that_distribution_stored(
    directory: SharedDirectory,
) -> None:
    app = image("hello")
    signature = artifact("application/vnd.example.signature", b"sig", subject=app)
    theirs = directory.distribution()
    push(theirs, NAME, "v1", app)
    push(theirs, NAME, signature.digest, signature)

    listed = directory.ours().referrers(NAME, app.digest)

    assert [entry["digest"] for entry in listed] == [str(signature.digest)]
    assert listed[0]["artifactType"] == "application/vnd.example.signature"


def test_we_list_once_what_a_fallback_tag_lists_too(directory: SharedDirectory) -> None:
    """Spec: distribution, Enabling the Referrers API; Referrers Tag Schema."""
    app = image("hello")
    note = artifact("application/vnd.example.note", b"note", subject=app)
    theirs = directory.distribution()
    push(theirs, NAME, "v1", app)
    push(theirs, NAME, f"sha256-{app.digest.hex}", index([note]))

    listed = directory.ours().referrers(NAME, app.digest)

    assert [entry["digest"] for entry in listed] == [str(note.digest)]


def test_distribution_collects_our_garbage_and_nothing_else(
    directory: SharedDirectory,
) -> None:
    ours = directory.ours()
    app, unwanted = platforms("hello"), image("unwanted")
    push(ours, NAME, "v1", app)
    push(ours, NAME, unwanted.digest, unwanted)
    ours.request("DELETE", f"/v2/{NAME}/manifests/{unwanted.digest}").expect(202)

    directory.collect_garbage()

    ours = directory.ours()
    assert missing(ours, NAME, app) == []
    for digest in unwanted.blobs_by_digest():
        ours.blob(NAME, digest).expect(404)
