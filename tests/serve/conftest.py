"""A store that is served, and ways to ask for its pages."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from browsers import browser
from exported import attack
from superqode.serve import Server
from superqode.session import Session, SessionStore

__all__ = ["browser"]


@dataclass
class Asked:
    """An answer: its status, headers and text."""

    status: int
    headers: http.client.HTTPMessage
    text: str


class Client:
    """Asks a server.

    Args:
        server: the server.
    """

    def __init__(self, server: Server) -> None:
        self.url = server.url
        self.token = server.token
        self.port = urlsplit(server.url).port

    def ask(self, target: str, *, method: str = "GET", host: str | None = None) -> Asked:
        """Send one request to a path that is sent as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, target, skip_host=True)
            if host != "":
                connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            connection.endheaders()
            answer = connection.getresponse()
            return Asked(answer.status, answer.headers, answer.read().decode())
        finally:
            connection.close()

    def page(self, below: str = "", *, status: int = 200) -> str:
        """Ask for a page by its path below the token."""
        found = self.ask(f"/{self.token}/{below}")
        assert found.status == status, (found.status, found.text)
        return found.text


@pytest.fixture
def store(store_path) -> Iterator[SessionStore]:
    """The store."""
    with SessionStore(store_path) as opened:
        yield opened


@pytest.fixture
def server(store) -> Iterator[Server]:
    """The store, served."""
    with Server(store) as served:
        yield served


@pytest.fixture
def client(server) -> Client:
    """Somebody who has the URL."""
    return Client(server)


@pytest.fixture
def hostile() -> Session:
    """A session whose every text attacks."""
    return attack()
