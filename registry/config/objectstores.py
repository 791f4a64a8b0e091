"""Options of the storage drivers for object stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import attrs

from registry.config.errors import Contradiction
from registry.config.kinds import (
    Hidden,
    Line,
    Password,
    Path,
    Positive,
    Seconds,
    integer,
    size,
)
from registry.config.net import URL

MIB = 2**20

StorageClass = Literal[
    "NONE",
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "OUTPOSTS",
    "GLACIER_IR",
    "EXPRESS_ONEZONE",
]
ObjectACL = Literal[
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
]
LogLevel = Literal[
    "off",
    "debug",
    "debugwithsigning",
    "debugwithhttpbody",
    "debugwithrequestretries",
    "debugwithrequesterrors",
    "debugwitheventstreambody",
]


@attrs.frozen(kw_only=True)
class S3:
    """Content in a bucket of S3."""

    bucket: Line
    """The bucket."""
    region: Line | None = None
    """Its region; required unless `regionendpoint` is set."""
    regionendpoint: Line | None = None
    """The endpoint of a store that is not Amazon's."""
    redirectendpoint: URL | None = None
    """What stands for the endpoint in URLs that clients are redirected to."""
    accesskey: Password | None = None
    """The access key; without it the environment's credentials are used."""
    secretkey: Password | None = None
    """The secret key."""
    forcepathstyle: bool = False
    """Whether the bucket is named in the path instead of the host."""
    encrypt: bool = False
    """Whether objects are encrypted by the store."""
    keyid: Line | None = None
    """The KMS key to encrypt with."""
    secure: bool = True
    """Whether TLS is used."""
    skipverify: bool = False
    """Whether the certificate of the store is not checked."""
    v4auth: bool = True
    """Whether requests are signed with version 4."""
    chunksize: Annotated[int, size(at_least=5 * MIB)] = 10 * MIB
    """The size of the parts of an upload."""
    multipartcopychunksize: Annotated[int, size(at_least=5 * MIB)] = 32 * MIB
    """The size of the parts of a copy."""
    multipartcopymaxconcurrency: Positive = 100
    """How many parts are copied at once."""
    multipartcopythresholdsize: Annotated[int, size()] = 32 * MIB
    """From which size on content is copied in parts."""
    rootdirectory: str = ""
    """What all keys begin with."""
    storageclass: StorageClass = "STANDARD"
    """The storage class of objects."""
    useragent: Line | None = None
    """What the registry calls itself."""
    objectacl: ObjectACL = "private"
    """The access list of objects."""
    usedualstack: bool = False
    """Whether endpoints with IPv6 are used."""
    accelerate: bool = False
    """Whether transfer acceleration is used."""
    usefipsendpoint: bool = False
    """Whether FIPS endpoints are used."""
    loglevel: LogLevel = "off"
    """What is logged about requests to the store."""

    def __attrs_post_init__(self) -> None:
        if self.region is None and self.regionendpoint is None:
            raise Contradiction("region", "is required unless regionendpoint is set")


@attrs.frozen(kw_only=True)
class GCS:
    """Content in a bucket of Google Cloud Storage."""

    bucket: Line
    """The bucket."""
    keyfile: Path | None = None
    """The service account's key, in JSON."""
    credentials: Annotated[Mapping[str, object], Hidden] = attrs.field(
        factory=dict, repr=False
    )
    """The content of such a key."""
    rootdirectory: str = ""
    """What all names begin with."""
    chunksize: Annotated[int, size(at_least=256 * 1024)] = 16 * MIB
    """The size of the parts of an upload, a multiple of 256KiB."""
    maxconcurrency: Annotated[int, integer(at_least=1)] = 50
    """How many requests may run at once."""
    useragent: Line | None = None
    """What the registry calls itself."""

    def __attrs_post_init__(self) -> None:
        if self.chunksize % (256 * 1024):
            raise Contradiction("chunksize", "must be a multiple of 256KiB")


@attrs.frozen(kw_only=True)
class AzureCredentials:
    """How the registry proves to Azure who it is."""

    type: Literal["shared_key", "client_secret", "default_credentials"] | None = None
    """The way of doing it."""
    clientid: Line | None = None
    """The client."""
    tenantid: Line | None = None
    """Its tenant."""
    secret: Password | None = None
    """Its secret."""


@attrs.frozen(kw_only=True)
class Azure:
    """Content in a container of Azure Blob Storage."""

    accountname: Line
    """The account."""
    container: Line
    """The container."""
    accountkey: Password | None = None
    """The account's key."""
    credentials: AzureCredentials = attrs.field(factory=AzureCredentials)
    """How to log in."""
    connectionstring: Password | None = None
    """Accepted as Distribution does, which does not use it either."""
    realm: Line = "core.windows.net"
    """The domain of the service."""
    serviceurl: URL | None = None
    """The URL of the service, where it is not made from account and realm."""
    rootdirectory: str = ""
    """What all names begin with."""
    max_retries: Annotated[int, integer(at_least=-1)] = 5
    """How often to ask whether a copy is done; -1 gives a pending copy up."""
    retry_delay: Seconds = 0.1
    """How long to wait before asking again."""
    skipverify: bool = False
    """Whether the certificate of the service is not checked."""
