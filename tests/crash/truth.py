"""Whether what a registry shows is what its clients were promised, and hangs together.

Everything is asked through the API. What is wrong is returned, in words; a store that
is all right gives an empty list.

Rules, beside the promises themselves: content has the digest that it is served under; a
manifest that is served names nothing that is not; a tag leads to a manifest that is
served; tags, referrers and repositories are listed exactly when they are there; an
unfinished upload tells an offset that the client has sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from flows import Ask, Asked, Reply, told_offset
from promises import HELD, NEVER, OPEN, Key, Promises

from registry.core.digest import Digest
from registry.testing.images import INDEX, MANIFEST

ACCEPTED = f"{MANIFEST}, {INDEX}"

ReadUpload = Callable[[Key], bytes]
"""The bytes of an unfinished upload, as they are in its file."""


class Truth:
    """Looks at one registry through ``ask``.

    ``at`` is the position at which its world ended. ``is_torn`` says that bytes which
    nobody was promised may be others than were sent. What was seen is in ``seen``.
    """

    def __init__(
        self,
        *,
        promises: Promises,
        ask: Ask,
        read_upload: ReadUpload,
        at: float = NEVER,
        is_torn: bool = False,
    ) -> None:
        self._promises = promises
        self._ask = ask
        self._read_upload = read_upload
        self._at = at
        self._is_torn = is_torn
        self._manifests: dict[Key, bytes | None] = {}
        self._blobs: dict[Key, bool] = {}
        self.wrong: list[str] = []
        self.seen: dict[Key, str | None] = {}

    def check(self, keys: Iterable[Key] | None = None) -> list[str]:
        """What is wrong with these facts, or with all, and with the lists."""
        wanted = self._promises.keys(None) if keys is None else sorted(keys)
        looks = {
            "blob": self._look_at_blob,
            "manifest": self._look_at_manifest,
            "tag": self._look_at_tag,
            "upload": self._look_at_upload,
        }
        for key in wanted:
            self.seen[key] = found = looks[key.kind](key)
            allowed = self._promises.allowed(key, self._at)
            if found not in allowed:
                self._say(f"{key} is {found}, not one of {allowed}")
        names = {key.name for key in wanted}
        for name in names:
            self._check_lists(name)
        self._check_catalog(names)
        return self.wrong

    def _look_at_blob(self, key: Key) -> str | None:
        return HELD if self._is_blob_served(key) else None

    def _look_at_manifest(self, key: Key) -> str | None:
        body = self._manifest(key)
        if body is not None:
            self._check_named(key.name, body)
        return None if body is None else HELD

    def _look_at_tag(self, key: Key) -> str | None:
        reply = self._get_manifest(key.name, key.reference)
        if reply.status != 200:
            return None
        digest = str(Digest.of(reply.body))
        if reply.headers["docker-content-digest"] != digest:
            self._say(f"{key} says another digest than that of its bytes")
        if self._manifest(Key("manifest", key.name, digest)) is None:
            self._say(f"{key} leads to {digest}, which is not served")
        return digest

    def _look_at_upload(self, key: Key) -> str | None:
        sending = self._promises.sendings.get(key)
        target = f"/v2/{key.name}/blobs/uploads/{key.reference}"
        if sending is not None and self._promises.may_be(key, OPEN, self._at):
            target = sending.location  # alone enough for a session without bytes
        asked = Asked("GET", target)
        reply = self._answered(asked, 204, 404)
        if reply.status != 204 or sending is None:
            return None if reply.status == 404 else OPEN
        offset, bounds = told_offset(reply), sending.bounds(self._at)
        if not bounds[0] <= offset <= bounds[1]:
            self._say(f"{key} holds {offset} bytes, which is not within {bounds}")
        content = self._read_upload(key)
        if len(content) != offset:
            self._say(f"{key} says {offset} bytes and has {len(content)}")
        sure = bounds[0] if self._is_torn else offset
        if content[:sure] != sending.content[:sure]:
            self._say(f"{key} has other bytes than were sent")
        return OPEN

    # What hangs together.

    def _is_blob_served(self, key: Key) -> bool:
        if key not in self._blobs:
            asked = Asked("GET", f"/v2/{key.name}/blobs/{key.reference}")
            reply = self._answered(asked, 200, 404)
            self._blobs[key] = reply.status == 200
            if reply.status == 200:
                self._check_bytes(key, reply.body)
        return self._blobs[key]

    def _manifest(self, key: Key) -> bytes | None:
        """The manifest's bytes, if it is served."""
        if key not in self._manifests:
            reply = self._get_manifest(key.name, key.reference)
            body = reply.body if reply.status == 200 else None
            self._manifests[key] = body
            if body is not None:
                self._check_bytes(key, body)
        return self._manifests[key]

    def _check_named(self, name: str, body: bytes) -> None:
        document = json.loads(body)
        blobs = [*document.get("layers", [])]
        blobs += [document["config"]] if "config" in document else []
        for described in blobs:
            if not self._is_blob_served(Key("blob", name, described["digest"])):
                self._say(f"{Digest.of(body)} in {name} names a blob that is missing")
        for described in document.get("manifests", []):
            if self._manifest(Key("manifest", name, described["digest"])) is None:
                self._say(f"{Digest.of(body)} in {name} lists a missing manifest")

    def _check_lists(self, name: str) -> None:
        tags = self._tags_seen(name)
        reply = self._answered(Asked("GET", f"/v2/{name}/tags/list"), 200, 404)
        listed = json.loads(reply.body).get("tags", [])
        if sorted(listed or []) != sorted(tags):
            self._say(f"{name} lists the tags {listed}, and has {tags}")
        subjects: dict[str, set[str]] = {}
        for digest, document in self._served_manifests(name).items():
            if "subject" in document:
                subject = document["subject"]["digest"]
                subjects.setdefault(subject, set()).add(digest)
        for subject, expected in subjects.items():
            self._check_referrers(name, subject, expected)

    def _check_catalog(self, names: Iterable[str]) -> None:
        reply = self._answered(Asked("GET", "/v2/_catalog?n=1000"), 200)
        listed = json.loads(reply.body).get("repositories", [])
        for name in names:
            if (name in listed) != bool(self._served_manifests(name)):
                self._say(f"{name} is in the catalog wrongly, or is missing from it")

    def _check_referrers(self, name: str, subject: str, expected: set[str]) -> None:
        asked = Asked("GET", f"/v2/{name}/referrers/{subject}")
        reply = self._answered(asked, 200)
        manifests = json.loads(reply.body).get("manifests", [])
        listed = {each["digest"] for each in manifests}
        if listed != expected:
            self._say(f"{subject} in {name} has the referrers {listed}, not {expected}")

    def _served_manifests(self, name: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for key in self._promises.keys("manifest"):
            if key.name == name:
                body = self._manifest(key)
                if body is not None:
                    found[key.reference] = json.loads(body)
        return found

    def _tags_seen(self, name: str) -> list[str]:
        """The tags that are there, of all that were ever promised."""
        found: list[str] = []
        for key in self._promises.keys("tag"):
            if key.name == name:
                if key not in self.seen:
                    self.seen[key] = self._look_at_tag(key)
                if self.seen[key] is not None:
                    found.append(key.reference)
        return found

    def _check_bytes(self, key: Key, body: bytes) -> None:
        digest = Digest.parse(key.reference)
        if Digest.of(body, digest.algorithm) != digest:
            self._say(f"{key} is served with other bytes: {len(body)} of them")

    # Asking.

    def _get_manifest(self, name: str, reference: str) -> Reply:
        target = f"/v2/{name}/manifests/{reference}"
        return self._answered(
            Asked("GET", target, headers={"Accept": ACCEPTED}), 200, 404
        )

    def _answered(self, asked: Asked, *statuses: int) -> Reply:
        reply = self._ask(asked)
        if reply.status not in statuses:
            self._say(f"{asked}: {reply.status} {reply.body[:300]!r}")
        return reply

    def _say(self, what: str) -> None:
        self.wrong.append(what)
