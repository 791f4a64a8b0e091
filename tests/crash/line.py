"""A client's connection to a real registry."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from flows import Asked, Reply

TIMEOUT = 30.0
"""Seconds that an answer may take."""


class Gone(Exception):
    """The registry broke the connection."""


class Line:
    """A connection to a registry, kept for the next request."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)

    def ask(self, asked: Asked) -> Reply:
        """The answer to one request. Raises Gone."""
        url = urlsplit(asked.target)
        path = f"{url.path}?{url.query}" if url.query else url.path
        body = asked.body if isinstance(asked.body, bytes) else iter(asked.body)
        try:
            self._connection.request(
                asked.method,
                path,
                body=body,
                headers=dict(asked.headers),
            )
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            raise Gone(f"{asked}: {error!r}") from error
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, headers, content)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
