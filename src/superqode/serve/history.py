"""A session's saves and snapshots on a timeline: what each added, and the way to see it as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from superqode.serve.frame import frame
from superqode.serve.links import Links
from superqode.session.exporters.html.escape import attribute, text
from superqode.session.exporters.reading import counted, moment
from superqode.session.exporters.visible import one_line
from superqode.session.store.results import SaveRecord

__all__ = ["history_page"]

_SHOWN: Final = 2_000
_SUBJECT_MAX: Final = 300
_COMMIT_SHOWN: Final = 12


def history_page(links: Links, session_id: str, saves: Sequence[SaveRecord], state: str) -> Iterator[str]:
    """Give the saves of a session, newest first."""
    return frame(
        links, f"History of {session_id}", _inner(links, session_id, saves), live=links.events(session_id), state=state
    )


def _inner(links: Links, session_id: str, saves: Sequence[SaveRecord]) -> Iterator[str]:
    yield f'<main class="narrow" id="listing"><h1>History</h1><p><a href="{attribute(links.session(session_id))}">'
    yield f'{text(session_id)}</a> <span class="quiet">{counted(len(saves), "save")}</span></p>\n<ol class="history">\n'
    for save in saves[:_SHOWN]:
        yield _save(links, session_id, save)
    yield "</ol>\n"
    if len(saves) > _SHOWN:
        yield f'<p class="more">and {len(saves) - _SHOWN:,} earlier ones</p>\n'
    yield "</main>\n"


def _save(links: Links, session_id: str, save: SaveRecord) -> str:
    # From the first entry that this save brought, where it only added some.
    total = save.messages + save.executions
    added = save.messages_added + save.executions_added
    entry = total - added + 1 if 0 < added <= total else 0
    link = attribute(links.session(session_id, at=save.commit, entry=entry, start=max(1, entry - 20) if entry else 0))
    marks = "".join(f'<span class="tag">{text(one_line(snapshot))}</span>' for snapshot in save.snapshots)
    back = f" · back to {save.restores[:_COMMIT_SHOWN]}" if save.restores else ""
    counts = f"{_counted(save.messages, save.messages_added, 'message')}, "
    counts += _counted(save.executions, save.executions_added, "tool call")
    return (
        f'<li class="{attribute(save.action)}"><a class="title" dir="auto" href="{link}">'
        f"{text(one_line(save.subject, _SUBJECT_MAX)) or 'save'}</a> {marks}"
        f'<p class="quiet"><code>{save.commit[:_COMMIT_SHOWN]}</code> · <time datetime="{save.saved_at.isoformat()}">'
        f"{moment(save.saved_at)}</time> · {text(one_line(save.author))} · {counts}{back}</p></li>\n"
    )


def _counted(total: int, added: int, thing: str) -> str:
    return f"{counted(total, thing)} ({added:+,})" if added else counted(total, thing)
