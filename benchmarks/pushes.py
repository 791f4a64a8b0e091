"""Loads that write, and loads that write and read at the same time."""

from __future__ import annotations

import os
import time

from benchmarks import content
from benchmarks.client import Client
from benchmarks.failure import LoadFailed
from benchmarks.gets import BULK_CONNECTIONS, of_a_manifest
from benchmarks.measure import Reading, measured
from benchmarks.outcome import Outcome
from benchmarks.scale import Scale
from benchmarks.servers import Server

PUSHES_AT_ONCE = 8

MIXED_CONNECTIONS = 4
"""Few, so that what is seen is the server's delay and not a queue of our making."""

MIXED_PUSHES = 2
GETTING_UNDER_WAY = 0.3
"""Seconds that bulk transfers run before anything is measured beside them."""

MARGIN = 1.0
"""Seconds that they go on after that, at least."""


def big(server: Server, scale: Scale) -> Reading:
    """One blob in one streamed PATCH."""
    return _push(server, way="patch", size=scale.big_push, count=1, at_once=1)


def middle(server: Server, scale: Scale) -> Reading:
    """Small layers, several at a time."""
    return _push(
        server,
        way="put",
        size=scale.middle_blob,
        count=scale.middle_pushes,
        at_once=PUSHES_AT_ONCE,
    )


def small(server: Server, scale: Scale) -> Reading:
    """Configurations, several at a time."""
    return _push(
        server,
        way="put",
        size=scale.small_push,
        count=scale.small_pushes,
        at_once=PUSHES_AT_ONCE,
    )


def mixed(server: Server, scale: Scale) -> Reading:
    """GET a manifest while eight large downloads and two pushes run."""
    with _pull_large(server, scale) as pulls, _push_large(server, scale) as pushes:
        pulls.go()
        pushes.go()
        time.sleep(GETTING_UNDER_WAY)
        reading = measured(
            server.process,
            lambda: of_a_manifest(
                server, connections=MIXED_CONNECTIONS, seconds=scale.seconds
            ),
        )
        if not (pulls.running and pushes.running):
            raise LoadFailed("the bulk transfers ended before the manifest GETs did")
        down, up = pulls.outcome(), pushes.outcome()
    note = (
        f"beside {down.size / down.seconds / 1e6:.0f} MB/s down,"
        f" {up.size / up.seconds / 1e6:.0f} MB/s up"
    )
    return Reading(
        outcome=reading.outcome, cpu=reading.cpu, peak=reading.peak, note=note
    )


def crowd(server: Server, scale: Scale) -> Reading:
    """Very many pulls and pushes at once, on a server that has just started."""
    server.stop()
    server.ensure()
    target = content.blob_target(scale.crowd_blob)
    pulls = Client(
        "pull",
        server.address,
        path=target.path,
        size=target.size,
        at_once=scale.crowd_pulls,
        count=scale.crowd_pulls,
    )
    pushes = Client(
        "push",
        server.address,
        way="patch",
        size=scale.crowd_blob,
        count=scale.crowd_pushes,
        at_once=scale.crowd_pushes,
    )
    with pulls, pushes:

        def load() -> Outcome:
            pulls.go()
            pushes.go()
            down, up = pulls.outcome(), pushes.outcome()
            return Outcome(
                count=down.count + up.count,
                size=down.size + up.size,
                seconds=max(down.seconds, up.seconds),
            )

        return measured(server.process, load)


def _push(server: Server, *, way: str, size: int, count: int, at_once: int) -> Reading:
    os.sync()  # what an earlier load left to be written must not slow this one
    client = Client(
        "push", server.address, way=way, size=size, count=count, at_once=at_once
    )
    with client:

        def load() -> Outcome:
            client.go()
            return client.outcome()

        return measured(server.process, load)


def _pull_large(server: Server, scale: Scale) -> Client:
    target = content.blob_target(scale.large_blob)
    return Client(
        "pull",
        server.address,
        path=target.path,
        size=target.size,
        at_once=BULK_CONNECTIONS,
        seconds=scale.seconds + GETTING_UNDER_WAY + MARGIN,
    )


def _push_large(server: Server, scale: Scale) -> Client:
    return Client(
        "push",
        server.address,
        way="patch",
        size=scale.large_blob,
        count=MIXED_PUSHES,
        at_once=MIXED_PUSHES,
        seconds=scale.seconds + GETTING_UNDER_WAY + MARGIN,
    )
