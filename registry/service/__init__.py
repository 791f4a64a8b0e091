"""Puts the parts together and runs them. Read next: ``app.py``."""
