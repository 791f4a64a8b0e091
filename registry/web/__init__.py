"""The wire: everything that knows HTTP.

Endpoints are coroutines that turn a ``Request`` into a ``Response``; they never see a
socket. Read next: ``channel.py`` (bytes to requests), ``site.py`` (requests to
endpoints), ``wire.py`` (responses to bytes).
"""
