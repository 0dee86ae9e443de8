"""Which session is a fork of which, as nested lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from superqode.serve.frame import frame
from superqode.serve.links import Links
from superqode.session.exporters.html.escape import attribute, text
from superqode.session.exporters.reading import moment
from superqode.session.exporters.visible import one_line
from superqode.session.store.lineage import walk_lineage
from superqode.session.store.results import SessionSummary

__all__ = ["lineage_page"]

_TITLE_MAX: Final = 160
# Deeper forks stand at this depth: hostile data may fork a thousand times, and a browser nests only so far.
_DEPTH_MAX: Final = 40


def lineage_page(links: Links, found: Sequence[SessionSummary], state: str) -> Iterator[str]:
    """Give the forest of forks, each fork below what it is a fork of."""
    return frame(links, "Lineage", _inner(links, found), here="lineage", live=links.events(), state=state)


def _inner(links: Links, found: Sequence[SessionSummary]) -> Iterator[str]:
    yield '<main class="narrow" id="listing"><h1>Lineage</h1>\n'
    if not found:
        yield '<p class="empty">There are no sessions yet.</p>'
    known = {item.id for item in found}
    depth = -1
    for item, lasts in walk_lineage(found):
        level = min(len(lasts) - 1, _DEPTH_MAX)
        if level > depth:
            yield '<ul class="lineage">\n' * (level - depth)
        else:
            yield "</li>" + "</ul></li>\n" * (depth - level)
        depth = level
        yield _item(links, item, known)
    yield "</li></ul>\n" * (depth + 1)
    yield "</main>\n"


def _item(links: Links, item: SessionSummary, known: set[str]) -> str:
    parent = item.parent_session_id
    orphan = f" · fork of {text(one_line(parent))}, which is not here" if parent and parent not in known else ""
    return (
        f'<li><a class="title" dir="auto" href="{attribute(links.session(item.id))}">'
        f"{text(one_line(item.title, _TITLE_MAX) or item.id)}</a> "
        f'<span class="quiet">{text(item.id)} · {moment(item.updated_at)[:16]}{orphan}</span>'
    )
