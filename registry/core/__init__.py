"""Decisions without I/O: grammar, values, and the state machines of the specs.

Nothing here imports Twisted, reads a clock, or knows HTTP. Read next: ``digest.py``.
"""
