"""An upload that one server began, another finishes."""

from __future__ import annotations

import pytest

from registry.core.digest import Digest
from registry.testing.client import Session
from registry.testing.servers import SharedDirectory

NAME = "team/app"
FIRST, REST = b"first half, " * 50_000, b"second half" * 70_000
WHOLE = FIRST + REST


@pytest.fixture(params=["ours", "distribution"])
def begun(request: pytest.FixtureRequest, directory: SharedDirectory) -> Session:
    """An upload that holds ``FIRST``; its server was stopped, then ours started."""
    session = getattr(directory, request.param)().start_upload(NAME)
    session.append(FIRST).expect(202)
    return Session(client=directory.ours(), location=session.location)


def test_we_say_how_many_bytes_an_upload_holds(begun: Session) -> None:
    assert begun.offset() == len(FIRST)


def test_we_do_not_need_the_parameters_of_its_location(begun: Session) -> None:
    bare = Session(client=begun.client, location=begun.path)

    assert bare.offset() == len(FIRST)
    bare.finish(Digest.of(WHOLE), REST).expect(201)


def test_we_finish_it_with_a_chunk(begun: Session, directory: SharedDirectory) -> None:
    begun.append(REST, start=len(FIRST)).expect(202)
    digest = begun.commit(WHOLE)

    assert begun.client.blob(NAME, digest).expect(200).body == WHOLE
    assert directory.distribution().blob(NAME, digest).expect(200).body == WHOLE


def test_we_finish_it_with_the_last_request(begun: Session) -> None:
    digest = Digest.of(WHOLE)
    begun.finish(digest, REST).expect(201)

    assert begun.client.blob(NAME, digest).expect(200).body == WHOLE


def test_we_finish_it_under_sha512(begun: Session) -> None:
    digest = Digest.of(WHOLE, "sha512")
    begun.finish(digest, REST).expect(201)

    assert begun.client.blob(NAME, digest).expect(200).body == WHOLE


def test_we_refuse_a_chunk_that_leaves_a_gap(begun: Session) -> None:
    begun.append(REST, start=len(FIRST) + 1).expect(416)

    assert begun.offset() == len(FIRST)


def test_we_refuse_another_digest(begun: Session) -> None:
    begun.finish(Digest.of(b"something else"), REST).expect(400)


def test_we_cancel_it(begun: Session) -> None:
    begun.cancel().expect(204)

    begun.client.get(begun.path).expect(404)


def test_an_upload_survives_a_crash_of_ours(directory: SharedDirectory) -> None:
    session = directory.ours().start_upload(NAME)
    session.append(FIRST).expect(202)
    directory.crash()

    resumed = Session(client=directory.ours(), location=session.path)

    assert resumed.offset() == len(FIRST)
    resumed.finish(Digest.of(WHOLE), REST).expect(201)


def test_distribution_finishes_what_we_began(directory: SharedDirectory) -> None:
    session = directory.ours().start_upload(NAME)
    session.append(FIRST).expect(202)

    theirs = directory.distribution()
    resumed = Session(client=theirs, location=session.location)
    resumed.finish(Digest.of(WHOLE), REST).expect(201)

    assert theirs.blob(NAME, Digest.of(WHOLE)).expect(200).body == WHOLE
