"""For tests, ours and those of whoever extends the registry.

Read next: ``driver_contract.py``, ``harness.py``.
"""
