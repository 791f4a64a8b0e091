"""Rules about references: what has to be here before a manifest may refer to it.

Distribution's ``validation.manifests`` with two differences. Where no URL list is
configured every http and https URL is accepted, and a listed platform is looked for
only in children that name a platform.

Spec: distribution end-7, image-spec layer, Non-Distributable Layers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal
from urllib.parse import urlsplit

import attrs

from registry.core.descriptor import Descriptor
from registry.core.errors import ManifestInvalid
from registry.core.manifest import Manifest

Platforms = Literal["all", "none"] | frozenset[tuple[str, str]]
"""Which children of an index have to be here; pairs are (os, architecture)."""

_DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar"
_OCI_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
_NEVER_IN_URL = re.compile(r"[\x00-\x20\x7f#]")
_LAYERS = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.")


@attrs.frozen(kw_only=True)
class ReferenceRules:
    """What an operator demands of the references in a manifest.

    With ``required`` False a manifest may refer to content that is not here. A subject
    is never demanded: referrers may arrive first. ``index_depth`` is how many indexes
    may lie inside each other.
    """

    urls_allow: tuple[re.Pattern[str], ...] = ()
    urls_deny: tuple[re.Pattern[str], ...] = ()
    platforms: Platforms = "all"
    required: bool = True
    index_depth: int = 8

    def required_blobs(self, manifest: Manifest) -> list[Descriptor]:
        """Config and layers that the repository has to hold, each digest once."""
        if not self.required or manifest.is_index:
            return []
        layers = (layer for layer in manifest.layers if not _is_elsewhere(layer))
        config = [] if manifest.config is None else [manifest.config]
        return _distinct([*config, *layers])

    def required_manifests(self, manifest: Manifest) -> list[Descriptor]:
        """Children of an index that the repository has to hold, each digest once."""
        if not self.required:
            return []
        return _distinct(child for child in manifest.children if self._selects(child))

    def check_urls(self, manifest: Manifest) -> list[ManifestInvalid]:
        """One refusal for every layer URL that clients must not be sent to."""
        refusals = []
        for position, layer in enumerate(manifest.layers):
            where = f"layers[{position}]"
            if layer.media_type.startswith(_DOCKER_FOREIGN) and not layer.urls:
                refusals.append(
                    ManifestInvalid(f"{where} is a foreign layer and has no urls")
                )
            if layer.media_type.startswith(_LAYERS):
                refusals += [
                    ManifestInvalid(
                        f"{where} has a URL that this registry refuses; use an http or"
                        " https URL without fragment that its operator allows",
                        detail=url[:500],
                    )
                    for url in layer.urls
                    if not self._allows(url)
                ]
        return refusals

    def _allows(self, url: str) -> bool:
        if not _is_plain(url):
            return False
        if self.urls_allow and not any(rule.search(url) for rule in self.urls_allow):
            return False
        return not any(rule.search(url) for rule in self.urls_deny)

    def _selects(self, child: Descriptor) -> bool:
        if isinstance(self.platforms, str):
            return self.platforms == "all"
        platform = child.platform or {}
        return (platform.get("os"), platform.get("architecture")) in self.platforms


def _is_elsewhere(layer: Descriptor) -> bool:
    """Whether clients fetch the layer by its URLs, so that it need not be here."""
    return bool(layer.urls) and layer.media_type.startswith(
        (_DOCKER_FOREIGN, _OCI_FOREIGN)
    )


def _is_plain(url: str) -> bool:
    """Whether it is http or https without a fragment, however a client reads it.

    ``urlsplit`` drops spaces and line ends that other parsers keep.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_web = parts.scheme in {"http", "https"} and bool(parts.netloc)
    return is_web and not _NEVER_IN_URL.search(url)


def _distinct(descriptors: Iterable[Descriptor]) -> list[Descriptor]:
    return list({d.digest: d for d in descriptors}.values())
