"""Distribution's tree, written and read file by file.

What Debian's docker-registry 2.8 leaves on disk is written here by plain file writes,
so that no code of ours has a say in it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.core.digest import Digest
from registry.core.errors import BlobUnknown, ManifestUnknown
from registry.core.name import RepositoryName, Tag
from registry.repository.registry import Registry
from registry.storage.disk import Disk
from registry.storage.filesystem import FilesystemDriver
from registry.storage.workers import Inline
from registry.testing.results import result_of

Build = Callable[..., Registry]
NAME = RepositoryName("library/app")
SESSION = "5f0c1c5e-6f0a-4b44-9d5c-0d3a3e6f2b11"
UNSTARTED = "5f0c1c5e-6f0a-4b44-9d5c-0d3a3e6f2b12"
CONFIG = b'{"architecture":"amd64"}'
LAYER = b"a layer"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
DOCKER_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def described(content: bytes, media_type: str) -> dict[str, object]:
    digest = f"sha256:{sha256(content)}"
    return {"mediaType": media_type, "size": len(content), "digest": digest}


def manifest(**fields: object) -> bytes:
    common: dict[str, object] = {
        "schemaVersion": 2,
        "config": described(CONFIG, "application/vnd.oci.image.config.v1+json"),
        "layers": [described(LAYER, "application/vnd.oci.image.layer.v1.tar+gzip")],
    }
    return json.dumps(common | fields, indent=3).encode()


OLD = manifest(mediaType=DOCKER_TYPE, annotations={"old": "yes"})
IMAGE = manifest(mediaType=DOCKER_TYPE)
REFERRER = manifest(
    artifactType="application/vnd.example.sbom", subject=described(IMAGE, DOCKER_TYPE)
)
FALLBACK_TAG = f"sha256-{sha256(IMAGE)}"
FALLBACK = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [described(REFERRER, MANIFEST_TYPE)],
    }
).encode()


class Tree:
    """Distribution's layout below a root, by plain writes."""

    def __init__(self, root: Path) -> None:
        self.top = root / "docker/registry/v2"
        self.repository = self.top / "repositories" / NAME.text

    def write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def blob(self, content: bytes) -> None:
        digest = sha256(content)
        place = self.top / "blobs/sha256" / digest[:2] / digest
        self.write(place / "data", content)

    def link(self, place: str, digest: str) -> None:
        self.write(self.repository / place / "link", f"sha256:{digest}".encode())

    def layer(self, content: bytes) -> None:
        self.blob(content)
        self.link(f"_layers/sha256/{sha256(content)}", sha256(content))

    def manifest(self, content: bytes, *tags: str) -> None:
        self.blob(content)
        digest = sha256(content)
        self.link(f"_manifests/revisions/sha256/{digest}", digest)
        for tag in tags:
            self.link(f"_manifests/tags/{tag}/index/sha256/{digest}", digest)
            self.link(f"_manifests/tags/{tag}/current", digest)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """What some pushes, one crash and one unfinished upload leave."""
    tree = Tree(tmp_path)
    for content in (CONFIG, LAYER):
        tree.layer(content)
    alias = hashlib.sha512(LAYER).hexdigest()
    tree.link(f"_layers/sha512/{alias}", sha256(LAYER))
    tree.manifest(OLD, "latest")
    tree.manifest(IMAGE, "latest", "1.0")
    tree.manifest(REFERRER)
    tree.manifest(FALLBACK, FALLBACK_TAG)
    tree.link(f"_manifests/tags/crashed/index/sha256/{sha256(OLD)}", sha256(OLD))
    tags = tree.repository / "_manifests/tags"
    tree.write(tags / "latest/current/link.5f0c1c5e.tmp", b"sha")
    upload = tree.repository / "_uploads" / SESSION
    tree.write(upload / "data", LAYER[:3])
    tree.write(upload / "startedat", b"2026-01-02T03:04:05Z")
    tree.write(upload / "hashstates/sha256/0", b"sha\x03" + bytes(104))
    tree.write(upload / "hashstates/sha256/3", b"sha\x03" + bytes(104))
    unstarted = tree.repository / "_uploads" / UNSTARTED
    tree.write(unstarted / "startedat", b"2026-01-02T03:04:05Z")
    return tree


@pytest.fixture
def opened(tmp_path: Path, build: Build) -> Registry:
    """Our registry on the same directory."""
    driver = FilesystemDriver(disk=Disk(), workers=Inline(), root=str(tmp_path))
    return build(driver)


@pytest.mark.usefixtures("tree")
def test_tags_and_manifests_are_read_as_they_are(opened: Registry) -> None:
    assert result_of(opened.tags.names(NAME)) == ["1.0", "latest", FALLBACK_TAG]
    for reference in (Tag("latest"), Tag("1.0"), Digest.of(IMAGE)):
        found = result_of(opened.manifests.get(NAME, reference))
        assert (found.body, found.media_type) == (IMAGE, DOCKER_TYPE)
    assert result_of(opened.manifests.get(NAME, Digest.of(OLD))).body == OLD
    index = result_of(opened.manifests.get(NAME, Tag(FALLBACK_TAG)))
    assert (index.body, index.media_type) == (FALLBACK, INDEX_TYPE)


@pytest.mark.usefixtures("tree")
def test_a_manifest_without_media_type_is_an_oci_manifest(opened: Registry) -> None:
    found = result_of(opened.manifests.get(NAME, Digest.of(REFERRER)))
    assert found.media_type == MANIFEST_TYPE


@pytest.mark.usefixtures("tree")
def test_a_tag_that_a_crash_left_without_current_link_is_none(
    opened: Registry,
) -> None:
    with pytest.raises(ManifestUnknown):
        result_of(opened.manifests.get(NAME, Tag("crashed")))


@pytest.mark.usefixtures("tree")
def test_blobs_are_found_under_their_digest_and_under_an_alias(
    opened: Registry,
) -> None:
    alias = Digest.of(LAYER, "sha512")
    for digest in (Digest.of(LAYER), alias):
        blob, content = result_of(opened.blobs.open(NAME, digest))
        assert (blob.digest, blob.stored) == (digest, Digest.of(LAYER))
        assert content.held == LAYER
    with pytest.raises(BlobUnknown):
        result_of(opened.blobs.find(NAME, Digest.of(IMAGE)))


@pytest.mark.usefixtures("tree")
def test_referrers_that_distribution_never_knew_of_are_listed(
    opened: Registry,
) -> None:
    [descriptor] = result_of(opened.referrers.to(NAME, Digest.of(IMAGE)))
    assert descriptor.digest == Digest.of(REFERRER)
    assert descriptor.artifact_type == "application/vnd.example.sbom"


@pytest.mark.usefixtures("tree")
def test_the_catalog_lists_the_repository(opened: Registry) -> None:
    assert result_of(opened.catalog.names()) == [NAME.text]


def test_an_upload_that_distribution_began_is_finished(
    tree: Tree, opened: Registry
) -> None:
    status = result_of(opened.uploads.status(NAME, SESSION))
    assert (status.offset, status.started) == (3, 1_767_323_045)

    async def finish() -> None:
        receiving = opened.uploads.receive(
            NAME, SESSION, chunk=None, length=None, flush=True
        )
        async with receiving as receiver:
            await receiver.append([b"inished"])
            digest = Digest.of(LAYER[:3] + b"inished")
            await opened.uploads.commit(NAME, SESSION, digest, receiver=receiver)

    result_of(finish())
    assert not (tree.repository / "_uploads" / SESSION).exists()
    blob = result_of(opened.blobs.find(NAME, Digest.of(LAYER[:3] + b"inished")))
    assert blob.size == 10


def test_deleting_takes_all_that_distribution_left(
    tree: Tree, opened: Registry
) -> None:
    result_of(opened.manifests.delete(NAME, Digest.of(IMAGE)))
    tags = tree.repository / "_manifests/tags"
    assert sorted(os.listdir(tags)) == sorted(["crashed", FALLBACK_TAG])
    result_of(opened.delete_repository(NAME))
    assert os.listdir(tree.top / "repositories") == []


def files_below(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_we_write_exactly_what_distribution_would(
    tmp_path: Path, opened: Registry
) -> None:
    async def push() -> None:
        for content in (CONFIG, LAYER):
            session = (await opened.uploads.start(NAME)).id
            receiving = opened.uploads.receive(
                NAME, session, chunk=None, length=None, flush=False
            )
            async with receiving as receiver:
                await receiver.append([content])
                await opened.uploads.commit(
                    NAME, session, Digest.of(content), receiver=receiver
                )
        for body, tags in ((OLD, ["latest"]), (IMAGE, ["latest", "1.0"])):
            for tag in tags:
                await opened.manifests.put(
                    NAME,
                    Tag(tag),
                    tags=[],
                    body=body,
                    content_type=DOCKER_TYPE,
                    may_replace=None,
                )

    (tmp_path / "expected").mkdir()
    expected = Tree(tmp_path / "expected")
    for content in (CONFIG, LAYER):
        expected.layer(content)
    expected.manifest(OLD, "latest")
    expected.manifest(IMAGE, "latest", "1.0")
    result_of(push())
    assert files_below(tmp_path / "docker") == files_below(expected.top.parents[1])


def test_a_session_looks_like_distributions(tmp_path: Path, opened: Registry) -> None:
    session = result_of(opened.uploads.start(NAME)).id
    assert files_below(tmp_path) == {}

    async def receive() -> None:
        receiving = opened.uploads.receive(
            NAME, session, chunk=None, length=None, flush=True
        )
        async with receiving as receiver:
            await receiver.append([b"half"])

    result_of(receive())
    place = f"docker/registry/v2/repositories/{NAME}/_uploads/{session}"
    assert files_below(tmp_path) == {
        f"{place}/data": b"half",
        f"{place}/startedat": b"2026-01-02T03:04:05Z",
    }


def test_content_pushed_as_sha512_is_stored_as_sha256_with_an_alias_link(
    tmp_path: Path, opened: Registry
) -> None:
    digest = Digest.of(LAYER, "sha512")

    async def push() -> None:
        session = (await opened.uploads.start(NAME, algorithm="sha512")).id
        receiving = opened.uploads.receive(
            NAME, session, chunk=None, length=None, flush=False
        )
        async with receiving as receiver:
            await receiver.append([LAYER])
            await opened.uploads.commit(NAME, session, digest, receiver=receiver)

    result_of(push())
    expected = Tree(tmp_path / "expected")
    expected.layer(LAYER)
    expected.link(f"_layers/sha512/{digest.hex}", sha256(LAYER))
    assert files_below(tmp_path / "docker") == files_below(expected.top.parents[1])
