"""URLs of pages, below the token. A session's id may be any branch name: it is one quoted part of the path."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from superqode.session.exporters.html.entries import anchor

__all__ = ["Links"]

_SESSION: Final = "s"


class Links:
    """Gives the URLs of one server.

    Args:
        token: the token that all of them begin with.
    """

    def __init__(self, token: str) -> None:
        self.base = f"/{token}/"

    def list_(self, **filters: str) -> str:
        """The list of sessions; only filters that are not empty are in it."""
        return self._with(self.base, filters)

    def search(self, **query: str) -> str:
        """What a search finds."""
        return self._with(f"{self.base}search", query)

    def lineage(self) -> str:
        """Which session is a fork of which."""
        return f"{self.base}lineage"

    def session(self, session_id: str, *, at: str = "", entry: int = 0, start: int = 0) -> str:
        """A conversation.

        Args:
            session_id: the session.
            at: a save or snapshot, for the conversation as it was then.
            entry: the number of an entry to jump to, from 1.
            start: the number of the first entry to show, from 1.
        """
        link = self._with(self._of(session_id), {"at": at, "from": str(start) if start else ""})
        return f"{link}#{anchor(entry)}" if entry else link

    def history(self, session_id: str) -> str:
        """A session's saves."""
        return f"{self._of(session_id)}/history"

    def events(self, session_id: str = "") -> str:
        """The stream that tells when a session (or the list) has changed."""
        return self._with(f"{self.base}events", {"session": session_id})

    def asset(self, name: str) -> str:
        """A style sheet or script of ours."""
        return f"{self.base}{name}"

    def _of(self, session_id: str) -> str:
        return f"{self.base}{_SESSION}/{quote(session_id, safe='', errors='replace')}"

    @staticmethod
    def _with(path: str, query: dict[str, str]) -> str:
        told = {name.rstrip("_"): value for name, value in query.items() if value}
        return f"{path}?{urlencode(told, errors='replace')}" if told else path
