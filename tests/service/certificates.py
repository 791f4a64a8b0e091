"""Certificates for servers of tests, made by the program that operators use."""

from __future__ import annotations

import subprocess
from pathlib import Path

import attrs


@attrs.frozen
class Pair:
    """A certificate for localhost, and its key, in PEM files."""

    certificate: str
    key: str


def make_pair(directory: Path, name: str, *kind: str) -> Pair:
    pair = Pair(str(directory / f"{name}.crt"), str(directory / f"{name}.key"))
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", *kind),
            *("-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", pair.key, "-out", pair.certificate),
        ],
        check=True,
        capture_output=True,
    )
    return pair
