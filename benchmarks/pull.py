"""A client that downloads one blob many times: ``python -m benchmarks.pull``."""

from __future__ import annotations

import argparse
import itertools

from benchmarks import headers
from benchmarks.connection import Address, Connection
from benchmarks.crew import Crew, Job, for_seconds, report
from benchmarks.failure import LoadFailed


def pull(path: str, size: int) -> Job:
    """A job that downloads the blob at ``path`` and insists on its size."""

    def job(connection: Connection) -> int:
        connection.send(connection.head("GET", path, headers.BLOB))
        answer = connection.answer()
        if answer.status != 200 or answer.length != size:
            raise LoadFailed(
                f"GET of a blob was answered {answer.status} with {answer.length} bytes"
            )
        return connection.count(answer)

    return job


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--path", required=True)
    parser.add_argument("--size", type=int, required=True, help="bytes")
    parser.add_argument("--at-once", type=int, required=True)
    bound = parser.add_mutually_exclusive_group(required=True)
    bound.add_argument("--count", type=int, help="downloads in all")
    bound.add_argument("--seconds", type=float, help="begin no download after these")
    asked = parser.parse_args()
    job = pull(asked.path, asked.size)
    jobs = (
        itertools.repeat(job, asked.count)
        if asked.count
        else for_seconds([job], asked.seconds)
    )
    address = Address(asked.port, asked.certificate)
    report(lambda: Crew(address=address, jobs=jobs, at_once=asked.at_once))


if __name__ == "__main__":
    main()
