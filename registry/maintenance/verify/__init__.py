"""A look at a whole store: ``registry verify``. Read next: ``verifier.py``."""
