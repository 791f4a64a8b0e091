"""What is done while the registry serves, and when.

Start with ``schedule.py``.
"""
