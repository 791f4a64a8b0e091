import pytest

pytest.register_assert_rewrite(
    "registry.testing.driver_contract", "registry.testing.append_contract"
)
