"""All loads, in the order in which they run, with what we want of each."""

from __future__ import annotations

from benchmarks import gets, lists, pushes, starts
from benchmarks.content import KIB, MIB
from benchmarks.load import Ground, Load
from benchmarks.measure import (
    BLOBS,
    BYTES,
    LATENCY,
    PAGE_CPU,
    PEAK,
    REQUESTS,
    START,
)
from benchmarks.scale import Scale
from benchmarks.servers import STATIC, THEIRS


def loads(scale: Scale) -> list[Load]:
    """Every load there is."""
    return [
        *_gets(scale),
        *_pushes(scale),
        *_over_tls(scale),
        *_starts(scale),
        *_lists(scale),
    ]


def _gets(scale: Scale) -> list[Load]:
    return [
        Load(
            name="manifest-get",
            title="manifest GET by tag",
            unit=REQUESTS,
            run=gets.manifest_by_tag,
            floors={THEIRS: 13, STATIC: 0.4},
        ),
        Load(
            name="manifest-500",
            title="500 different manifests in turn",
            unit=REQUESTS,
            run=gets.manifests_in_turn,
            floors={THEIRS: 13},
        ),
        Load(
            name="manifest-head",
            title="manifest HEAD",
            unit=REQUESTS,
            run=gets.manifest_head,
            floors={THEIRS: 12},
        ),
        Load(
            name="blob-head",
            title="blob HEAD",
            unit=REQUESTS,
            run=gets.blob_head,
            floors={THEIRS: 11},
        ),
        Load(
            name="blob-small",
            title=f"blob GET {_size(scale.small_blob)}",
            unit=REQUESTS,
            run=gets.small_blob,
            floors={THEIRS: 24, STATIC: 0.4},
        ),
        Load(
            name="blob-middle",
            title=f"blob GET {_size(scale.middle_blob)}",
            unit=BYTES,
            run=gets.middle_blob,
            floors={THEIRS: 3, STATIC: 0.9},
        ),
        Load(
            name="blob-large",
            title=f"blob GET {_size(scale.large_blob)}",
            unit=BYTES,
            run=gets.large_blob,
            floors={THEIRS: 1.0, STATIC: 0.9},
            cpu_ceilings={THEIRS: 0.5},
        ),
    ]


def _pushes(scale: Scale) -> list[Load]:
    return [
        Load(
            name="push-big",
            title=f"push {_size(scale.big_push)}",
            unit=BYTES,
            run=pushes.big,
            registries_only=True,
            floors={THEIRS: 3.5},
        ),
        Load(
            name="push-middle",
            title=f"push {scale.middle_pushes} x {_size(scale.middle_blob)}",
            unit=BLOBS,
            run=pushes.middle,
            registries_only=True,
            floors={THEIRS: 3},
        ),
        Load(
            name="push-small",
            title=f"push {scale.small_pushes} x {_size(scale.small_push)}",
            unit=BLOBS,
            run=pushes.small,
            registries_only=True,
            floors={THEIRS: 5},
        ),
        Load(
            name="mixed",
            title="manifest GET beside bulk",
            unit=LATENCY,
            run=pushes.mixed,
            registries_only=True,
            ceiling=20,
        ),
        Load(
            name="crowd",
            title=f"{scale.crowd_pulls} pulls, {scale.crowd_pushes} pushes at once",
            unit=PEAK,
            run=pushes.crowd,
            registries_only=True,
            warm=False,
            ceiling=120,
        ),
    ]


def _over_tls(scale: Scale) -> list[Load]:
    return [
        Load(
            name="tls-manifest-get",
            title="TLS manifest GET by tag",
            unit=REQUESTS,
            run=gets.manifest_by_tag,
            tls=True,
            floors={THEIRS: 6},
        ),
        Load(
            name="tls-blob-small",
            title=f"TLS blob GET {_size(scale.small_blob)}",
            unit=REQUESTS,
            run=gets.small_blob,
            tls=True,
            floors={THEIRS: 10},
        ),
        Load(
            name="tls-blob-middle",
            title=f"TLS blob GET {_size(scale.middle_blob)}",
            unit=BYTES,
            run=gets.middle_blob,
            tls=True,
            floors={THEIRS: 1.6},
        ),
        Load(
            name="tls-blob-large",
            title=f"TLS blob GET {_size(scale.large_blob)}",
            unit=BYTES,
            run=gets.large_blob,
            tls=True,
            floors={THEIRS: 1.0},
        ),
        Load(
            name="tls-push-big",
            title=f"TLS push {_size(scale.big_push)}",
            unit=BYTES,
            run=pushes.big,
            tls=True,
            registries_only=True,
        ),
    ]


def _starts(scale: Scale) -> list[Load]:
    tags = scale.repositories * scale.tags_per_repository
    return [
        Load(
            name="start-empty",
            title="start, empty store",
            unit=START,
            run=starts.on_empty_store,
            ground=Ground.EMPTY,
            registries_only=True,
            ceiling=500,
        ),
        Load(
            name="start-full",
            title=f"start, {scale.repositories} repositories, {tags} tags",
            unit=START,
            run=starts.on_full_store,
            ground=Ground.FULL,
            registries_only=True,
            ceiling=500,
        ),
    ]


def _lists(scale: Scale) -> list[Load]:
    return [
        Load(
            name="tags-list",
            title=f"tags/list, {scale.listed} tags, by {lists.PAGE}",
            unit=PAGE_CPU,
            run=lists.tags,
            ground=Ground.LISTED,
            registries_only=True,
            ceiling=2,
        ),
        Load(
            name="catalog",
            title=f"_catalog, {scale.listed} repositories, by {lists.PAGE}",
            unit=PAGE_CPU,
            run=lists.catalog,
            ground=Ground.LISTED,
            registries_only=True,
            ceiling=2,
        ),
    ]


def _size(size: int) -> str:
    return f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB"
