"""Workers for a command that runs once and ends."""

from __future__ import annotations

from typing import Any

from registry.storage.workers import WorkerPool


def command_workers(reactor: Any, threads: int) -> WorkerPool:  # noqa: ANN401 - a module
    """A pool that lives as long as ``reactor`` runs."""
    pool = WorkerPool(reactor=reactor, threads=threads)
    pool.start()
    reactor.addSystemEventTrigger("during", "shutdown", pool.stop)
    return pool
