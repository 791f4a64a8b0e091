"""A container registry appliance in one Twisted process.

Read next: ``docs/architecture.md``.
"""

__version__ = "0.1.0"
