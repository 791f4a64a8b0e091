"""Bytes at rest: the driver Protocol, the drivers, and Distribution's tree.

Knows nothing of HTTP or of what a manifest says.

Read next: ``driver.py``, ``layout.py``.
"""
