"""Certificates that all tests of TLS share."""

from __future__ import annotations

import pytest
from certificates import Pair, make_pair


@pytest.fixture(scope="session")
def rsa_pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("rsa"), "rsa", "-newkey", "rsa:2048")


@pytest.fixture(scope="session")
def ecdsa_pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    return make_pair(tmp_path_factory.mktemp("ecdsa"), "ecdsa", *kind)
