"""Distribution's directory tree, drawn.

::

    docker/registry/v2/
      blobs/<algorithm>/<first two hex>/<hex>/data          content, under its sha256
      repositories/<name>/
        _layers/<algorithm>/<hex>/link                      it holds the blob
        _manifests/
          revisions/<algorithm>/<hex>/link                  it holds the manifest
          tags/<tag>/current/link                           what the tag points at
          tags/<tag>/index/<algorithm>/<hex>/link           all it ever pointed at
        _uploads/<uuid>/
          data                                              bytes received so far
          startedat                                         UTC, RFC 3339 seconds

A ``link`` holds exactly ``<algorithm>:<hex>`` and no newline. A link of any other
algorithm than sha256 is an alias: its path has the digest that the client used, its
content the sha256 that the bytes are stored under. Distribution 2.8 and 3 read that.
Nothing else may be put below ``docker/`` except in directories that start with ``_``.

What is ours alone is beside it, in ``_registry/``; ``repository/quarantine.py`` draws
the part that holds content.
"""

from __future__ import annotations

from registry.core.digest import Digest
from registry.core.name import RepositoryName, Tag

ROOT = "docker/registry/v2"
BLOBS = f"{ROOT}/blobs"
REPOSITORIES = f"{ROOT}/repositories"
QUARANTINE = "_registry/quarantine"
REPLACED = "_registry/replaced"


def blob_data(digest: Digest) -> str:
    """The content that ``digest`` (canonical) names."""
    return f"{BLOBS}/{digest.algorithm}/{digest.hex[:2]}/{digest.hex}/data"


def quarantined(digest: Digest, occasion: str) -> str:
    """The directory of damaged content that was set aside, and of its record."""
    return f"{QUARANTINE}/{digest.hex}/{occasion}"


def replaced(digest: Digest) -> str:
    """What a push has replaced, until it was looked at."""
    return f"{REPLACED}/{digest.hex}"


def repository(name: RepositoryName) -> str:
    """Everything that a repository is, other than its content."""
    return f"{REPOSITORIES}/{name.text}"


def layers(name: RepositoryName) -> str:
    """The directory of a repository's blob links, by algorithm."""
    return f"{REPOSITORIES}/{name.text}/_layers"


def layer_link(name: RepositoryName, digest: Digest) -> str:
    """Exists when the repository holds the blob."""
    return f"{layers(name)}/{digest.algorithm}/{digest.hex}/link"


def manifests(name: RepositoryName) -> str:
    """Exists when a manifest was ever pushed to the repository."""
    return f"{REPOSITORIES}/{name.text}/_manifests"


def revisions(name: RepositoryName) -> str:
    """The directory of a repository's manifest links, by algorithm."""
    return f"{manifests(name)}/revisions"


def revision_link(name: RepositoryName, digest: Digest) -> str:
    """Exists when the repository holds the manifest."""
    return f"{revisions(name)}/{digest.algorithm}/{digest.hex}/link"


def tags(name: RepositoryName) -> str:
    """The directory of a repository's tags."""
    return f"{manifests(name)}/tags"


def tag(name: RepositoryName, tag: Tag) -> str:
    """All that a tag is; removing it removes the tag."""
    return f"{tags(name)}/{tag.text}"


def tag_current(name: RepositoryName, tag_: Tag) -> str:
    """Holds the digest that the tag points at."""
    return f"{tag(name, tag_)}/current/link"


def tag_index(name: RepositoryName, tag_: Tag, digest: Digest) -> str:
    """Exists for every digest that the tag ever pointed at."""
    return f"{tag(name, tag_)}/index/{digest.algorithm}/{digest.hex}/link"


def tag_indexes(name: RepositoryName, tag_: Tag) -> str:
    """The directory of all that a tag ever pointed at, by algorithm."""
    return f"{tag(name, tag_)}/index"


def uploads(name: RepositoryName) -> str:
    """The directory of a repository's unfinished uploads."""
    return f"{REPOSITORIES}/{name.text}/_uploads"


def upload(name: RepositoryName, session: str) -> str:
    """One unfinished upload."""
    return f"{uploads(name)}/{session}"


def upload_data(name: RepositoryName, session: str) -> str:
    """The bytes an upload has received."""
    return f"{upload(name, session)}/data"


def upload_started(name: RepositoryName, session: str) -> str:
    """When an upload was started."""
    return f"{upload(name, session)}/startedat"
