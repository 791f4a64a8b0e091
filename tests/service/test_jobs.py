"""What a configuration has the registry do now and then."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.task import Clock

from registry.config.load import read_config
from registry.core.rules import ReferenceRules
from registry.maintenance.schedule import Job
from registry.repository.registry import build_registry
from registry.service.jobs import jobs
from registry.storage.memory import MemoryDriver
from registry.storage.workers import Inline
from registry.testing.programs import Program, free_port, our_program

OLD = "0c9b2c4e-8a5f-4f0e-9a1d-3f1f5b7c9d11"
NEW = "0c9b2c4e-8a5f-4f0e-9a1d-3f1f5b7c9d12"


def jobs_of(maintenance: str) -> list[Job]:
    """The jobs of a registry with these options of ``storage.maintenance``."""
    storage = f"{{inmemory: , maintenance: {{{maintenance}}}}}"
    clock = Clock()
    registry = build_registry(
        driver=MemoryDriver(),
        workers=Inline(),
        rules=ReferenceRules(),
        clock=clock,
        new_id=lambda: OLD,
        cache_bytes=0,
    )
    config = read_config(f"version: 0.1\nstorage: {storage}\n", "c.yml", {})
    return list(jobs(config, registry=registry, clock=clock))


def test_uploads_are_purged_every_day_unless_the_operator_wants_it_otherwise() -> None:
    (job,) = jobs_of("")
    assert (job.name, job.interval) == ("upload purging", 24 * 3600.0)


def test_the_operator_says_how_often() -> None:
    (job,) = jobs_of("uploadpurging: {interval: 5m}")
    assert job.interval == 300.0


def test_uploads_are_not_purged_when_that_is_off() -> None:
    assert jobs_of("uploadpurging: {enabled: false}") == []


def session(root: Path, name: str, started: str) -> Path:
    """An upload session as Distribution leaves it."""
    place = root / "docker/registry/v2/repositories/team/app/_uploads" / name
    place.mkdir(parents=True)
    (place / "data").write_bytes(b"half a layer")
    (place / "startedat").write_text(started)
    return place


def purged(work: Path, options: str) -> str:
    """The log of a registry that has purged once; its storage is in ``work``."""
    configuration, log = work / "c.yml", work / "log"
    configuration.write_text(
        "version: 0.1\nstorage:\n"
        f"  filesystem: {{rootdirectory: {work}/root}}\n"
        f"  maintenance: {{uploadpurging: {{interval: 10ms{options}}}}}\n"
        f"http: {{addr: '127.0.0.1:{free_port()}'}}\n"
    )
    program = Program(
        command=[our_program("registry"), "serve", str(configuration)],
        log=str(log),
        is_ready=lambda: "upload purging" in log.read_text(),
    )
    with program:
        return program.log()


def test_a_registry_purges_while_it_serves(tmp_path: Path) -> None:
    old = session(tmp_path / "root", OLD, "2020-01-02T03:04:05Z")
    new = session(tmp_path / "root", NEW, "2999-01-02T03:04:05Z")
    said = purged(tmp_path, "")
    assert f"the upload {OLD} in team/app was removed: too old" in said
    assert not old.exists()
    assert sorted(os.listdir(new)) == ["data", "startedat"]


def test_a_dry_run_only_says_what_it_would_do(tmp_path: Path) -> None:
    old = session(tmp_path / "root", OLD, "2020-01-02T03:04:05Z")
    said = purged(tmp_path, ", dryrun: true")
    assert f"the upload {OLD} in team/app would be removed: too old" in said
    assert sorted(os.listdir(old)) == ["data", "startedat"]
