"""Loads about starting: from the command to the first answer."""

from __future__ import annotations

import os
import time

from benchmarks import content
from benchmarks.measure import Reading
from benchmarks.outcome import Outcome
from benchmarks.scale import Scale
from benchmarks.servers import Server

EMPTY_PATH = "/v2/"
FULL_PATH = f"/v2/{content.MANY_TAGS_REPOSITORY}/manifests/build-00000"


def on_empty_store(server: Server, scale: Scale) -> Reading:  # noqa: ARG001
    """Until ``/v2/`` is answered."""
    return _start(server, EMPTY_PATH)


def on_full_store(server: Server, scale: Scale) -> Reading:  # noqa: ARG001
    """Until a manifest is answered."""
    return _start(server, FULL_PATH)


def _start(server: Server, path: str) -> Reading:
    server.stop()
    os.sync()  # the tree that was just drawn must not slow the one that makes syncs
    began = time.perf_counter()
    server.start()
    seconds = server.await_answer(path) - began
    reading = Reading(
        outcome=Outcome(count=1, size=0, seconds=seconds),
        cpu=server.process.cpu(),
        peak=server.process.peak(),
    )
    server.stop()
    return reading
