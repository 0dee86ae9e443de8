"""Which page an URL names. Paths and queries come from outside: whatever they hold, a page or a plain refusal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from superqode.serve.conversation import View, added_entries, conversation_page
from superqode.serve.frame import problem
from superqode.serve.guard import is_token
from superqode.serve.history import history_page
from superqode.serve.lineage import lineage_page
from superqode.serve.links import Links
from superqode.serve.listing import FILTERS, list_page, search_page
from superqode.serve.live import changes, state_of
from superqode.session import SessionStore
from superqode.session.errors import CorruptSession, InvalidSessionId, NotFound, SessionError
from superqode.session.exporters.html.page import asset

__all__ = ["Answer", "answer"]

_HTML: Final = "text/html; charset=utf-8"
_PLAIN: Final = "text/plain; charset=utf-8"
_TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_EXPORTED: Final = ("page.css", "page.js")
_OWN: Final = ("serve.css", "serve.js")
# What a query may hold, in characters and in fields.
_QUERY_MAX: Final = 4_000
_FIELDS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back.

    Attributes:
        pieces: the body, in pieces.
        kind: its content type.
        status: the HTTP status.
        endless: whether the body has no end: a stream of events.
    """

    pieces: Iterable[str]
    kind: str = _HTML
    status: int = 200
    endless: bool = False


def answer(store: SessionStore, token: str, target: str) -> Answer:
    """Give the answer to a request for `target`, the path and query of its URL."""
    split = urlsplit(target)
    given, _, path = split.path.removeprefix("/").partition("/")
    if not is_token(given, token):
        return Answer(["Open the URL that `superqode serve` printed: this one lacks its token.\n"], _PLAIN, 403)
    links = Links(token)
    try:
        query = _query(split.query)
        return _route(store, links, path, query)
    except (NotFound, InvalidSessionId) as told:
        return Answer(problem(links, "Not found", str(told)), status=404)
    except CorruptSession as told:
        return Answer(problem(links, "Damaged", str(told)), status=500)
    except SessionError as told:
        return Answer(problem(links, "This did not work", str(told)), status=500)
    except _NoSuchPage:
        return Answer(problem(links, "Not found", "There is no such page."), status=404)


class _NoSuchPage(Exception):
    """Nothing is there."""


def _query(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text[:_QUERY_MAX], max_num_fields=_FIELDS_MAX))
    except ValueError as problem_:
        raise _NoSuchPage from problem_


def _route(store: SessionStore, links: Links, path: str, query: dict[str, str]) -> Answer:
    parts = [unquote(part) for part in path.split("/")]
    if parts == [""]:
        asked = {name: query.get(name, "") for name in (*FILTERS, "all")}
        return Answer(list_page(store, links, asked))
    if parts == ["search"]:
        return Answer(search_page(store, links, query.get("q", "")))
    if parts == ["lineage"]:
        state = state_of(store)
        return Answer(lineage_page(links, store.list_sessions(), state))
    if parts == ["events"]:
        return Answer(changes(store, query.get("session", "")), "text/event-stream", endless=True)
    if len(parts) == 1 and parts[0] in _EXPORTED + _OWN:
        return Answer([_file(parts[0])], _TYPES[parts[0].rpartition(".")[2]])
    if len(parts) in (2, 3) and parts[0] == "s" and parts[1]:
        return _session(store, links, parts[1], "/".join(parts[2:]), query)
    raise _NoSuchPage


def _session(store: SessionStore, links: Links, session_id: str, rest: str, query: dict[str, str]) -> Answer:
    if rest == "history":
        state = state_of(store, session_id)
        return Answer(history_page(links, session_id, store.history(session_id), state))
    if rest:
        raise _NoSuchPage
    if revision := query.get("at", ""):
        return Answer(conversation_page(links, View(store.at(session_id, revision), revision, start=_number(query))))
    tip = state_of(store, session_id)
    session = store.load(session_id)
    if "since" in query:
        added = added_entries(session, tip, _number(query, "since"), query.get("last", ""))
        # Not 409: a browser would tell that in its console as an error.
        return Answer(added) if added is not None else Answer([], _HTML, 204)
    return Answer(conversation_page(links, View(session, tip=tip, start=_number(query))))


def _number(query: dict[str, str], name: str = "from") -> int:
    given = query.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 9 else 0


@cache
def _file(name: str) -> str:
    return asset(name) if name in _EXPORTED else resources.files(__package__).joinpath(name).read_text("utf-8")
