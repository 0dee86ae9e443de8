"""Sessions, hits in them, deleted ones, their forks, and what they are narrowed by, as lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from superqode.cli.text import count
from superqode.cli.times import ago
from superqode.session.exporters.visible import one_line
from superqode.tui.filtering import Facet
from superqode.tui.lines import Line, Piece, piece, title_piece

if TYPE_CHECKING:  # the classes of results take a while to be made
    from superqode.session.store.lineage import Branching
    from superqode.session.store.results import SearchHit, SessionSummary, TrashItem

__all__ = ["facet_row", "hit_row", "lineage_row", "summary_row", "trash_row"]

_LABELS_SHOWN: Final = 3
_ROLES: Final = ("user", "assistant", "system", "tool")


def summary_row(summary: SessionSummary) -> Sequence[Line]:
    """A session in two lines: title and age; counts, agents and tags, project."""
    problem = (piece(f"! {summary.problem} ", "bad", 80), Piece(" ")) if summary.problem else ()
    messages, calls = count(summary.message_count, "message"), count(summary.execution_count, "call")
    about = [Piece(f"{messages}, {calls}", "dim")]
    for values, role in ((summary.agents_used, "assistant"), (summary.tags, "tag")):
        for value in values[:_LABELS_SHOWN]:
            about += [Piece("  "), piece(f"#{value}" if role == "tag" else value, role, 30)]
    where = summary.project_path.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    return (
        Line((*problem, title_piece(summary.title)), (Piece(ago(summary.updated_at), "dim"),)),
        Line((Piece("  "), *about), (piece(where, "dim", 30),) if where else ()),
    )


def hit_row(hit: SearchHit) -> Sequence[Line]:
    """A hit in two lines: session and place; the text around it, with what was found marked."""
    role = hit.kind if hit.kind in _ROLES else "tool" if hit.kind == "call" else "accent"
    place = hit.kind if hit.position < 0 else f"{hit.kind} {hit.position + 1}"
    return (
        Line(
            (title_piece(hit.title, hit.session_id), Piece("  "), Piece(place, role)),
            (Piece(ago(hit.updated_at), "dim"),),
        ),
        Line((Piece("  "), *_marked(hit))),
    )


def _marked(hit: SearchHit) -> Iterator[Piece]:
    done = 0
    for start, end in hit.marks:
        yield Piece(_spaced(hit.snippet[done:start]))
        yield Piece(_spaced(hit.snippet[start:end]), "mark")
        done = end
    yield Piece(_spaced(hit.snippet[done:]))


def _spaced(text: str) -> str:
    # `one_line` strips, and a piece's outer blanks stand between words.
    return one_line(f"|{text}|")[1:-1]


def lineage_row(branch: Branching, here: str) -> Sequence[Line]:
    """A session on its branch of the tree; `here` is the id of the one that is open."""
    summary, lasts = branch
    rails = "".join("   " if last else "│  " for last in lasts[1:-1])
    joint = ("└─ " if lasts[-1] else "├─ ") if len(lasts) > 1 else ""
    mark = Piece("● ", "accent") if summary.id == here else Piece("○ ", "dim")
    orphan = summary.parent_session_id if summary.parent_session_id and len(lasts) == 1 else ""
    gone = (Piece("  "), piece(f"fork of {orphan}, which is not here", "dim", 90)) if orphan else ()
    counts = Piece(f"{count(summary.message_count, 'message')}  {ago(summary.updated_at)}", "dim")
    return (Line((Piece(rails + joint, "dim"), mark, title_piece(summary.title, summary.id), *gone), (counts,)),)


def trash_row(item: TrashItem) -> Sequence[Line]:
    """A deleted session in two lines: title and when it was deleted; id and snapshots."""
    kept = f"  {count(len(item.snapshots), 'snapshot')}" if item.snapshots else ""
    deleted = Piece(f"deleted {ago(item.deleted_at)}", "dim")
    return Line((title_piece(item.title),), (deleted,)), Line((Piece("  "), piece(item.session_id + kept, "dim")))


def facet_row(facet: Facet) -> Sequence[Line]:
    """A project, tag or agent, and how many sessions it has."""
    role = {"project": "text", "tag": "tag", "agent": "assistant"}[facet.kind]
    kind = Piece(f"{facet.kind:<8}", "dim")
    return (Line((kind, piece(facet.value, role)), (Piece(count(facet.sessions, "session"), "dim"),)),)
