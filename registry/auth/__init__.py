"""Who is asking, and may they. Read next: ``authenticator.py``."""
