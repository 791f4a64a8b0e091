"""The command line: one verb per file. Read next: ``main.py``."""
