"""Options of ``storage``, but for those of the drivers for object stores."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import attrs

from registry.config.kinds import (
    Bytes,
    Count,
    Kind,
    Ours,
    Path,
    Seconds,
    integer,
    seconds,
    share,
    size,
)
from registry.config.objectstores import GCS, S3, Azure
from registry.core.share import Share

FEWEST_THREADS = 25
"""Distribution counts fewer threads than these as these."""

BYTES = share(size())
INODES = share(integer(at_least=0))
RESERVED_BYTES = Share(64 * 2**20)
RESERVED_INODES = Share(1000)

Durability = Literal["full", "group", "none"]


def _threads(text: str) -> int:
    number: int = integer(at_least=0).read(text)
    return max(number, FEWEST_THREADS)


@attrs.frozen(kw_only=True)
class Reserve:
    """What pushes leave free on the file system of the storage.

    A push that does not fit beside it is refused with 507 before its body is read, and
    a body of unknown length is stopped there. Pulls and deletes go on, and so does the
    end of an upload whose bytes are all there.
    """

    size: Annotated[Share, Ours, BYTES] = RESERVED_BYTES
    """Bytes: a size, or a percentage such as `2%` of the file system."""
    inodes: Annotated[Share, Ours, INODES] = RESERVED_INODES
    """Files and directories: a number, or a percentage of all that there can be."""


@attrs.frozen(kw_only=True)
class Filesystem:
    """Content in a directory, in Distribution's layout."""

    rootdirectory: Path = "/var/lib/registry"
    """The directory that holds `docker/registry/v2`."""
    maxthreads: Annotated[int, Kind("integer", _threads)] = 100
    """How many operations of the disk may run at once; less than 25 counts as 25."""
    durability: Annotated[Durability, Ours] = "group"
    """What is safe from a power cut when a push is answered with success.

    `group`: all of it. Bytes are synced before the names that lead to them, and pushes
    that arrive together share their syncs. `full`: the same, but no push shares a sync
    with another, nor is the whole file system synced at once; slower, for file systems
    that are not trusted with that. `none`: nothing; the system writes when it likes,
    so a power cut may lose what was acknowledged in the last minute, and damage it.
    The end of the process alone never loses anything."""
    reserve: Annotated[Reserve, Ours] = attrs.field(factory=Reserve)
    """What is left free when the disk fills."""
    create: Annotated[bool, Ours] = True
    """Whether a directory without a store becomes a new one. With `false` the registry
    does not start on one: set it where the directory is a mount that may be missing."""


@attrs.frozen(kw_only=True)
class InMemory:
    """Content in memory; it is gone when the process ends. For tests."""


@attrs.frozen(kw_only=True)
class Delete:
    """Removal of manifests, tags and blobs by clients."""

    enabled: bool = False
    """Whether clients may delete; otherwise DELETE is refused as unsupported."""


@attrs.frozen(kw_only=True)
class Redirect:
    """Redirection of downloads to the storage's own URLs, where a driver has them."""

    disable: bool = False
    """Whether all content passes through the registry."""


@attrs.frozen(kw_only=True)
class Cache:
    """What is kept in memory about content, so that the storage is not asked again.

    Descriptors (digest, size and place of a blob) are always remembered in memory: one
    process owns the directory, so what it remembers is true. `size` bounds all of it.
    """

    blobdescriptor: Literal["inmemory", "redis"] | None = None
    """With `inmemory`, `blobdescriptorsize` limits the number of descriptors."""
    blobdescriptorsize: Count = 10_000
    """How many descriptors are remembered with `inmemory`; 0 means no limit."""
    size: Annotated[Bytes, Ours] = 64 * 2**20
    """Memory for manifests and small blobs themselves; 0 keeps none."""


@attrs.frozen(kw_only=True)
class TagOptions:
    """How tags are looked through."""

    concurrencylimit: Count = 0
    """Accepted; without effect: the tags of a repository are read in one go."""


@attrs.frozen(kw_only=True)
class UploadPurging:
    """Removal of uploads that were begun and never finished, while the registry serves.

    An upload without a time of start stays, as does one that a request is using. The
    first look is a random time after the start: up to an hour, or the interval if that
    is less.
    """

    enabled: bool = True
    """Whether they are removed."""
    age: Seconds = 168 * 3600.0
    """How long after its start an upload is removed."""
    interval: Annotated[float, seconds(zero_is=24 * 3600.0)] = 24 * 3600.0
    """How often to look; 0 means 24h."""
    dryrun: bool = False
    """Whether only to log what would be removed."""


@attrs.frozen(kw_only=True)
class Verification:
    """Reading through what is served and was not read through lately.

    Large blobs leave without a look at their bytes. One that was pulled, or asked for,
    and that was neither pushed nor verified in this run is read through soon after, at
    a bounded rate; if it is damaged, it is set aside.
    """

    enabled: bool = True
    """Whether that is done. What a push replaces is looked at in any case."""
    rate: Bytes = 32 * 2**20
    """How much is read in a second, also when content is looked through after an
    unclean stop; 0 means as fast as the disk can."""
    age: Seconds = 168 * 3600.0
    """How long content counts as verified."""


@attrs.frozen(kw_only=True)
class ReadOnly:
    """A registry that can be pulled from only."""

    enabled: bool = False
    """Whether everything that writes is refused with 405."""


@attrs.frozen(kw_only=True)
class Maintenance:
    """What is done about the storage while it is in use."""

    uploadpurging: UploadPurging = attrs.field(factory=UploadPurging)
    """Removal of unfinished uploads."""
    readonly: ReadOnly = attrs.field(factory=ReadOnly)
    """Pulls only."""
    verification: Annotated[Verification, Ours] = attrs.field(factory=Verification)
    """Reading through what is served."""


@attrs.frozen(kw_only=True)
class Storage:
    """Where content rests. Exactly one driver; `storage: inmemory` alone names one."""

    EXCLUSIVE: ClassVar[tuple[str, ...]] = (
        "filesystem",
        "inmemory",
        "s3",
        "s3aws",
        "gcs",
        "azure",
    )
    NEEDS_CHOICE: ClassVar[bool] = True

    filesystem: Filesystem | None = None
    """A directory."""
    inmemory: InMemory | None = None
    """Memory."""
    s3: S3 | None = None
    """A bucket of S3 or of what speaks like it."""
    s3aws: S3 | None = None
    """Another name of `s3`."""
    gcs: GCS | None = None
    """A bucket of Google Cloud Storage."""
    azure: Azure | None = None
    """A container of Azure Blob Storage."""
    delete: Delete = attrs.field(factory=Delete)
    """Removal by clients."""
    redirect: Redirect = attrs.field(factory=Redirect)
    """Redirection of downloads."""
    cache: Cache = attrs.field(factory=Cache)
    """What is kept in memory."""
    tag: TagOptions = attrs.field(factory=TagOptions)
    """How tags are looked through."""
    maintenance: Maintenance = attrs.field(factory=Maintenance)
    """What is done while the storage is in use."""
