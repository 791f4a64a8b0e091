"""The configuration: its options, and how they are read.

Read next: ``schema.py`` (the options), ``load.py`` (from a file to values).
"""
