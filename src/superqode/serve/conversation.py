"""A conversation, whole or a window of it, as it is or as it was; and the entries that came since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from superqode.serve.frame import frame
from superqode.serve.links import Links
from superqode.session.exporters.html import page
from superqode.session.exporters.html.escape import attribute, text
from superqode.session.exporters.visible import one_line
from superqode.session.models import Session

__all__ = ["WINDOW", "View", "added_entries", "conversation_page"]

# How many entries a page has; a longer conversation shows its end, and the way to what is before.
WINDOW: Final = 1_000
_TITLE_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class View:
    """What of a session is to be shown.

    Attributes:
        session: the session.
        revision: the save or snapshot it is shown as it was at; empty for as it is.
        tip: the commit it was read from, where it is the branch's last; empty otherwise.
        start: the number of the first entry, from 1; 0 for the end of the conversation.
    """

    session: Session
    revision: str = ""
    tip: str = ""
    start: int = 0

    @property
    def first(self) -> int:
        """The number of the first entry that is shown, from 1."""
        count = len(self.session.timeline)
        return min(max(self.start, 1), max(count, 1)) if self.start else max(1, count - WINDOW + 1)


def conversation_page(links: Links, view: View) -> Iterator[str]:
    """Give a conversation as a page."""
    session = view.session
    title = one_line(session.title, _TITLE_MAX) or session.id
    # Only the end of the newest state can grow.
    growing = not view.revision and _last(view) == len(session.timeline)
    about = _about(view) if growing else ""
    live = links.events(session.id) if growing else ""
    return frame(links, title, _inner(links, view, title), about=about, live=live, state=view.tip)


def _last(view: View) -> int:
    return min(view.first + WINDOW - 1, len(view.session.timeline))


def _about(view: View) -> str:
    order = view.session.timeline
    last = attribute(order[-1].id) if order else ""
    return f' data-count="{len(order)}" data-last="{last}"'


def _inner(links: Links, view: View, title: str) -> Iterator[str]:
    session, order, first, last = view.session, view.session.timeline, view.first, _last(view)
    shown = order[first - 1 : last]
    yield page.banner(session, title, range(first, last + 1))
    yield _ways(links, view)
    yield page.tools(shown)
    yield '<div class="columns">\n'
    yield from page.prompts(shown, first=first)
    yield '<main id="conversation" tabindex="-1" aria-label="Conversation">\n'
    if first > 1:
        start = max(1, first - WINDOW)
        link = attribute(links.session(session.id, at=view.revision, start=start))
        yield f'<p class="more"><a href="{link}">{first - 1:,} earlier entries</a></p>\n'
    yield from page.conversation(session, shown, first=first)
    if not order:
        yield '<p class="empty">Nothing was said here.</p>\n'
    if last < len(order):
        link = attribute(links.session(session.id, at=view.revision, start=last + 1))
        yield f'<p class="more"><a href="{link}">{len(order) - last:,} later entries</a></p>\n'
    yield '<p class="empty" id="nothing" hidden>Nothing fits. <button type="button" id="clear">Show all</button></p>\n'
    yield f'</main>\n</div>\n{page.keys()}<script src="{links.asset("page.js")}" defer></script>\n'


def _ways(links: Links, view: View) -> str:
    session = view.session
    ways = [f'<a href="{attribute(links.history(session.id))}">History</a>']
    if session.parent_session_id:
        parent = attribute(links.session(session.parent_session_id))
        ways.append(f'<a href="{parent}">Fork of {text(one_line(session.parent_session_id))}</a>')
    if view.revision:
        now = attribute(links.session(session.id))
        ways.insert(
            0, f'<strong>As it was at {text(one_line(view.revision, 40))}</strong> <a href="{now}">As it is</a>'
        )
    return f'<nav class="ways" aria-label="This session">{" ".join(ways)}</nav>\n'


def added_entries(session: Session, tip: str, count: int, last: str) -> Iterator[str] | None:
    """Give what came since a page was made, as a page of the new articles alone.

    Args:
        session: the session now.
        tip: the commit it was read from.
        count: how many entries it had then.
        last: the id of the last one; empty where there was none.

    Returns:
        The pieces, or nothing where those entries are not its beginning any more: it was restored or merged.
    """
    order = session.timeline
    if count > len(order) or (order[count - 1].id if count else "") != last:
        return None
    day = order[count - 1].timestamp.date().isoformat() if count else ""
    return _added(View(session, tip=tip), count, day)


def _added(view: View, count: int, day: str) -> Iterator[str]:
    yield f'<!doctype html>\n<title>more</title>\n<body{_about(view)} data-state="{view.tip}">\n'
    yield from page.conversation(view.session, view.session.timeline[count:], first=count + 1, day=day)
    yield "</body>\n"
