"""The check of tags: that each points at a manifest that is there."""

from __future__ import annotations

from functools import partial

import attrs

from registry.core.digest import HEX_LENGTHS, Digest
from registry.core.name import RepositoryName, Tag
from registry.maintenance.links import content_of
from registry.maintenance.names import digest_or_none
from registry.maintenance.torn import look_at_links
from registry.maintenance.verify.beside import beside
from registry.maintenance.verify.finding import (
    Finding,
    Kind,
    MendEntry,
    MendTag,
    damage,
    note,
)
from registry.storage.driver import Absent
from registry.storage.layout import (
    revision_link,
    tag_current,
    tag_index,
    tag_indexes,
)
from registry.storage.layout import tag as tag_place
from registry.storage.survey import Survey, children_or_none


@attrs.frozen(kw_only=True)
class TagCheck:
    """Looks at tags; blocks."""

    survey: Survey
    before: float

    def findings(self, name: RepositoryName, tag: Tag) -> list[Finding]:
        """What is wrong with a tag."""
        return [
            *self._current(name, tag),
            *self._history(name, tag),
            *self._beside(name, tag),
        ]

    def _current(self, name: RepositoryName, tag: Tag) -> list[Finding]:
        path = tag_current(name, tag)
        try:
            digest = content_of(self.survey, path)
        except Absent:
            message = "a tag that a crash left without a link; it is not listed"
            return [note(Kind.HISTORY_INCOMPLETE, tag_place(name, tag), message)]
        if digest is None:
            repair = MendTag("set the tag to the newest entry of its index", name, tag)
            message = (
                "the link of the tag is torn; --repair sets it to the newest entry of"
                " the tag's index, or push the tag again"
            )
            return [damage(Kind.LINK_TORN, path, message, repair)]
        if self.survey.look(revision_link(name, digest)) is None:
            message = (
                f"the tag points at {digest}, which {name} does not hold; push it"
                " again, or delete the tag"
            )
            return [damage(Kind.TAG_DANGLING, path, message)]
        if self.survey.look(tag_index(name, tag, digest)) is None:
            entry = tag_index(name, tag, digest)
            message = "what the tag points at is not in its index"
            return [note(Kind.HISTORY_INCOMPLETE, entry, message)]
        return []

    def _history(self, name: RepositoryName, tag: Tag) -> list[Finding]:
        found: list[Finding] = []
        for algorithm in HEX_LENGTHS:
            place = f"{tag_indexes(name, tag)}/{algorithm}"
            names = [seen.name for seen in children_or_none(self.survey, place)]
            look = partial(look_at_links, self.survey, place, since=0.0, own=True)
            for text in look(names=names).torn:
                digest = digest_or_none(algorithm, text)
                if digest is not None:
                    found.append(self._torn_entry(name, tag, digest))
        return found

    def _torn_entry(self, name: RepositoryName, tag: Tag, digest: Digest) -> Finding:
        message = "an entry of the tag's index is torn; --repair writes it again"
        path = tag_index(name, tag, digest)
        if self.survey.look(revision_link(name, digest)) is None:
            message = "an entry of the tag's index, to what is not here, is torn"
            return note(Kind.HISTORY_INCOMPLETE, path, message)
        repair = MendEntry("write the link again", name, tag, digest)
        return damage(Kind.LINK_TORN, path, message, repair)

    def _beside(self, name: RepositoryName, tag: Tag) -> list[Finding]:
        place = f"{tag_place(name, tag)}/current"
        children = children_or_none(self.survey, place)
        return [*beside(place, children, known={"link"}, before=self.before)]
