"""Loads that read: manifests, blobs, and the heads of both."""

from __future__ import annotations

import hashlib

from benchmarks import ab, content, headers, wrk
from benchmarks.client import Client
from benchmarks.connection import Connection
from benchmarks.content import Target
from benchmarks.failure import LoadFailed
from benchmarks.measure import Reading, measured
from benchmarks.outcome import Outcome
from benchmarks.scale import Scale
from benchmarks.servers import Server

CONNECTIONS = 32
BULK_CONNECTIONS = 8


def manifest_by_tag(server: Server, scale: Scale) -> Reading:
    """GET one manifest by its tag."""
    return _wrk(server, scale, [content.manifest_target()], headers.MANIFEST)


def of_a_manifest(server: Server, *, connections: int, seconds: float) -> Outcome:
    """What GETs of one manifest see, beside whatever else is going on."""
    return wrk.run(
        server.address,
        [content.manifest_target()],
        headers=headers.MANIFEST,
        connections=connections,
        seconds=seconds,
        directory=server.directory,
    )


def manifests_in_turn(server: Server, scale: Scale) -> Reading:
    """GET 500 manifests by tag, one after the other."""
    targets = [content.manifest_target(tag) for tag in content.MANY_TAGS]
    return _wrk(server, scale, targets, headers.MANIFEST)


def small_blob(server: Server, scale: Scale) -> Reading:
    """GET the smallest blob."""
    target = content.blob_target(scale.small_blob)
    return _wrk(server, scale, [target], headers.BLOB)


def middle_blob(server: Server, scale: Scale) -> Reading:
    """GET a blob of the size of a small layer."""
    target = content.blob_target(scale.middle_blob)
    return _wrk(server, scale, [target], headers.BLOB)


def large_blob(server: Server, scale: Scale) -> Reading:
    """GET a large layer, on fewer connections.

    wrk reads 8 KiB at a time and would be the bottleneck here without TLS.
    """
    target = content.blob_target(scale.large_blob)
    _prove(server, target, headers.BLOB)
    client = Client(
        "pull",
        server.address,
        path=target.path,
        size=target.size,
        at_once=BULK_CONNECTIONS,
        seconds=scale.seconds,
    )
    with client:

        def load() -> Outcome:
            client.go()
            return client.outcome()

        return measured(server.process, load)


def manifest_head(server: Server, scale: Scale) -> Reading:
    """HEAD one manifest by its tag."""
    return _ab(server, scale, content.manifest_target(), headers.MANIFEST)


def blob_head(server: Server, scale: Scale) -> Reading:
    """HEAD one blob."""
    target = content.blob_target(scale.middle_blob)
    return _ab(server, scale, target, headers.BLOB)


def _wrk(
    server: Server,
    scale: Scale,
    targets: list[Target],
    asked_with: list[tuple[str, str]],
) -> Reading:
    for target in targets:
        _prove(server, target, asked_with)
    return measured(
        server.process,
        lambda: wrk.run(
            server.address,
            targets,
            headers=asked_with,
            connections=CONNECTIONS,
            seconds=scale.seconds,
            directory=server.directory,
        ),
    )


def _ab(
    server: Server, scale: Scale, target: Target, asked_with: list[tuple[str, str]]
) -> Reading:
    _prove(server, target, asked_with)
    return measured(
        server.process,
        lambda: ab.run(
            server.address,
            target,
            headers=asked_with,
            connections=CONNECTIONS,
            seconds=scale.seconds,
            directory=server.directory,
        ),
    )


def _prove(server: Server, target: Target, asked_with: list[tuple[str, str]]) -> None:
    """Ask once and compare every byte, so that no error page is ever measured."""
    connection = Connection(server.address)
    answer, body = connection.ask("GET", target.path, asked_with)
    connection.close()
    if answer.status != 200:
        raise LoadFailed(f"GET {target.path[:60]} was answered {answer.status}")
    if hashlib.sha256(body).hexdigest() != target.digest.hex:
        raise LoadFailed(f"GET {target.path[:60]} gave other bytes than were stored")
