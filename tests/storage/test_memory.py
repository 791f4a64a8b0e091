"""The memory driver keeps the contract; that is all there is to it."""

import pytest

from registry.storage.memory import MemoryDriver
from registry.testing.driver_contract import DriverContract


class TestMemoryDriver(DriverContract):
    @pytest.fixture
    def driver(self) -> MemoryDriver:
        return MemoryDriver()
