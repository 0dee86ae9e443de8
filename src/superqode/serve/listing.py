"""The list of sessions with its filters, and what a search finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from superqode.serve.frame import frame
from superqode.serve.links import Links
from superqode.serve.live import state_of
from superqode.session import SessionStore
from superqode.session.exporters.html.escape import attribute, text
from superqode.session.exporters.reading import counted, moment
from superqode.session.exporters.visible import one_line
from superqode.session.store.results import SearchHit, SessionSummary

__all__ = ["FILTERS", "list_page", "search_page"]

FILTERS: Final = ("text", "project", "tag", "agent")
_SHOWN: Final = 200
_HITS: Final = 50
_BEFORE: Final = 20
_TITLE_MAX: Final = 160
_LABELS: Final = {"text": "Title or tag", "project": "Project", "tag": "Tag", "agent": "Agent"}


def list_page(store: SessionStore, links: Links, asked: Mapping[str, str]) -> Iterator[str]:
    """Give the list of sessions, newest first.

    Args:
        store: the store.
        links: where pages are.
        asked: the filters, by the names in `FILTERS`, and `all` for more than the first 200.
    """
    state = state_of(store)
    limit = None if asked.get("all") else _SHOWN + 1
    found = store.list_sessions(
        text=asked.get("text") or None,
        project_path=asked.get("project") or None,
        tags=[asked["tag"]] if asked.get("tag") else None,
        agent=asked.get("agent") or None,
        limit=limit,
    )
    return frame(links, "Sessions", _listing(links, found, asked), here="list", live=links.events(), state=state)


def _listing(links: Links, found: Sequence[SessionSummary], asked: Mapping[str, str]) -> Iterator[str]:
    yield '<main class="wide" id="listing"><h1>Sessions</h1>\n'
    yield _filter_form(links, asked)
    shown = found if asked.get("all") else found[:_SHOWN]
    if not shown:
        told = "No session fits." if any(asked.get(name) for name in FILTERS) else "There are no sessions yet."
        yield f'<p class="empty">{told}</p></main>\n'
        return
    yield (
        '<table class="sessions"><thead><tr><th scope="col">Title</th><th scope="col">Agents</th>'
        '<th scope="col">Tags</th><th scope="col" class="number">Entries</th><th scope="col">Changed</th>'
        "</tr></thead><tbody>\n"
    )
    for item in shown:
        yield _row(links, item)
    yield "</tbody></table>\n"
    if len(found) > len(shown):
        link = links.list_(**{name: asked.get(name, "") for name in FILTERS}, all="1")
        yield f'<p class="more">These are the newest {_SHOWN}. <a href="{attribute(link)}">Show all</a></p>\n'
    yield "</main>\n"


def _filter_form(links: Links, asked: Mapping[str, str]) -> str:
    fields = "".join(
        f'<label>{_LABELS[name]} <input name="{name}" value="{attribute(asked.get(name, ""))}" autocomplete="off" '
        'spellcheck="false"></label>\n'
        for name in FILTERS
    )
    return f'<form class="filters" action="{links.list_()}">\n{fields}<button>Filter</button></form>\n'


def _row(links: Links, item: SessionSummary) -> str:
    title = text(one_line(item.title, _TITLE_MAX) or item.id)
    trouble = f'<span class="state">{text(one_line(item.problem, _TITLE_MAX))}</span>' if item.problem else ""
    project = f'<span class="quiet">{text(one_line(item.project_path, _TITLE_MAX))}</span>' if item.project_path else ""
    tags = " ".join(
        f'<a class="tag" href="{attribute(links.list_(tag=tag))}">{text(one_line(tag))}</a>' for tag in item.tags
    )
    entries = item.message_count + item.execution_count
    return (
        f'<tr><td><a class="title" dir="auto" href="{attribute(links.session(item.id))}">{title}</a>{trouble}'
        f'<span class="quiet id">{text(item.id)}</span>{project}</td>'
        f"<td>{text(one_line(', '.join(item.agents_used), _TITLE_MAX))}</td><td>{tags}</td>"
        f'<td class="number">{entries:,}</td><td><time datetime="{item.updated_at.isoformat()}">'
        f"{moment(item.updated_at)[:16]}</time></td></tr>\n"
    )


def search_page(store: SessionStore, links: Links, query: str) -> Iterator[str]:
    """Give what a search finds, each hit with its surroundings and a way to the place."""
    hits = store.search(query, limit=_HITS) if query.strip() else []
    return frame(links, f"Search: {one_line(query, _TITLE_MAX)}", _hits(links, hits, query), query=query)


def _hits(links: Links, hits: Sequence[SearchHit], query: str) -> Iterator[str]:
    yield '<main class="narrow" id="hits"><h1>Search</h1>\n'
    if not query.strip():
        yield '<p class="empty">Words, "quoted words", or a begin*: all of them must be there.</p></main>\n'
        return
    more = "The first " if len(hits) == _HITS else ""
    yield f'<p class="quiet">{more}{counted(len(hits), "place")}</p>\n<ol class="hits">\n'
    for hit in hits:
        entry = hit.position + 1
        link = attribute(links.session(hit.session_id, entry=entry, start=_window(entry)))
        where = f"{hit.kind} {entry:,}" if entry else hit.kind
        yield (
            f'<li><a class="title" dir="auto" href="{link}">{text(one_line(hit.title, _TITLE_MAX) or hit.session_id)}'
            f'</a> <span class="quiet">{text(where)} · {moment(hit.updated_at)[:16]}</span>'
            f'<p dir="auto">{_marked(hit)}</p></li>\n'
        )
    yield "</ol></main>\n"


def _window(entry: int) -> int:
    """From where a conversation is shown so that an entry is in it, with some before; 0 where none is meant."""
    return max(1, entry - _BEFORE) if entry else 0


def _marked(hit: SearchHit) -> str:
    pieces, done = [], 0
    for start, end in hit.marks:
        pieces += [text(hit.snippet[done:start]), f"<mark>{text(hit.snippet[start:end])}</mark>"]
        done = end
    return "".join([*pieces, text(hit.snippet[done:])])
