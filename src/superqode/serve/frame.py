"""What all pages have around them: head, the bar with search and ways, the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from superqode.serve.links import Links
from superqode.session.exporters.html.escape import attribute, text

__all__ = ["frame", "problem"]


def frame(
    links: Links,
    title: str,
    inner: Iterable[str],
    *,
    here: str = "",
    query: str = "",
    about: str = "",
    live: str = "",
    state: str = "",
) -> Iterator[str]:
    """Give a page in pieces.

    Args:
        links: where pages are.
        title: what it is called; any text.
        inner: its content, as HTML.
        here: which way in the bar leads here: `list` or `lineage`.
        query: what was searched for.
        about: attributes of the body that scripts read, as HTML.
        live: the stream to follow; empty where nothing on the page can change.
        state: the state the page was made of, as that stream names it.
    """
    follow = f' data-live="{attribute(live)}" data-state="{attribute(state)}"' if live else ""
    yield f"""<!doctype html>
<html lang="en" data-theme="auto">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{attribute(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{links.asset("page.css")}">
<link rel="stylesheet" href="{links.asset("serve.css")}">
<script src="{links.asset("serve.js")}" defer></script>
</head>
<body{about}{follow}>
<header class="top">
<a class="home" href="{links.list_()}"{_current(here, "list")}>Sessions</a>
<a href="{links.lineage()}"{_current(here, "lineage")}>Lineage</a>
<form class="everywhere" action="{links.search()}" role="search" aria-label="All sessions">
<input type="search" name="q" value="{attribute(query)}" placeholder="Search all sessions" \
aria-label="Search all sessions" autocomplete="off" spellcheck="false">
</form>
<output id="news" aria-live="polite"></output>
</header>
"""
    yield from inner
    yield """<footer><p>Served by superqode on this machine, to read only. Times are UTC.</p></footer>
</body>
</html>
"""


def _current(here: str, way: str) -> str:
    return ' aria-current="page"' if here == way else ""


def problem(links: Links, title: str, told: str) -> Iterator[str]:
    """Give a page that says what went wrong and leads back."""
    inner = f'<h1>{text(title)}</h1><p dir="auto">{text(told)}</p><p><a href="{links.list_()}">All sessions</a></p>'
    yield from frame(links, title, [f'<main class="narrow">{inner}</main>\n'])
