"""Images made from nothing are valid, and the same every time."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

from registry.core.digest import Digest
from registry.testing.images import artifact, image, index, platforms, write_layout


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert image("one", padding=100) == image("one", padding=100)
    assert image("one").digest != image("two").digest


def test_the_config_names_the_layer_as_it_is_unpacked() -> None:
    config, layer = image("one").blobs
    archive = gzip.decompress(layer)

    assert json.loads(config)["rootfs"]["diff_ids"] == [str(Digest.of(archive))]
    with tarfile.open(fileobj=io.BytesIO(archive)) as unpacked:
        assert unpacked.getnames() == ["seed"]


def test_an_index_has_the_contents_of_all_that_it_lists() -> None:
    inner = platforms("inner")
    outer = index([inner, image("outer")])

    assert inner.contents().items() <= outer.contents().items()
    assert [entry["digest"] for entry in json.loads(outer.content)["manifests"]] == [
        str(child.digest) for child in outer.children
    ]


def test_an_artifact_names_its_subject() -> None:
    app = image("one")

    subject = json.loads(artifact("text/plain", b"note", subject=app).content)[
        "subject"
    ]

    assert subject["digest"] == str(app.digest)
    assert subject["size"] == len(app.content)


def test_a_layout_keeps_every_blob_under_its_digest(tmp_path: Path) -> None:
    app = platforms("one")

    write_layout(str(tmp_path), {"v1": app})

    blobs = (tmp_path / "blobs" / "sha256").iterdir()
    assert {Digest("sha256", blob.name): blob.read_bytes() for blob in blobs} == (
        app.contents()
    )
