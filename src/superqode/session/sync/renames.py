"""A session that was renamed on one side goes under its new id in all three views, whatever the other side did. Pure.

Then what the other side changed, deleted or snapped of it is of the same session, and the usual rules hold. Renamed on
both sides, it goes under the lesser of the two ids.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from superqode.session.store.owners import owner_of, trash_parts
from superqode.session.sync.names import other_name
from superqode.session.sync.view import HEADS, SOURCES, TAGS, TRASH, View

__all__ = ["Followed", "Renamings", "follow", "renamed_to"]


class Renamings(Protocol):
    """What is asked about commits."""

    def contains(self, new: str, old: str) -> bool:
        """Whether `old` is `new` or one of its ancestors; no where either is not there."""

    def was_renamed(self, session_id: str, new_id: str, tip: str, since: str) -> bool:
        """Whether commits that `tip` has and `since` has not rename the session to `new_id`."""


@dataclass(slots=True)
class Followed:
    """Three views in which a session has one id.

    Attributes:
        base, ours, theirs: the views.
        both: ids that sessions were given elsewhere and do not keep, by those that they keep.
    """

    base: View
    ours: View
    theirs: View
    both: dict[str, str] = field(default_factory=dict)


def follow(base: View, ours: View, theirs: View, history: Renamings, *, leave: Container[str] = ()) -> Followed:
    """Let every session go under the id that it was renamed to.

    Args:
        base: what both held when they last met.
        ours: what is here.
        theirs: what is there.
        history: answers about commits of both sides.
        leave: names that stay as they are.
    """
    done = Followed(base, ours, theirs)
    news = [_new_tips(base, view) for view in (ours, theirs)]
    for name in sorted(name for name in base if name.startswith(HEADS) and name not in leave):
        found = [
            "" if name in view or not tips else _renamed(name, base[name], tips, view, history)
            for view, tips in zip((ours, theirs), news, strict=True)
        ]
        if any(found):
            _let_follow(done, name.removeprefix(HEADS), *found)
    return done


def _new_tips(base: View, view: View) -> list[tuple[str, str]]:
    """Ids that came since the base, with their tips; of those that were deleted again, too."""
    ids = {name.removeprefix(HEADS) for name in base if name.startswith(HEADS)}
    tips = [(name.removeprefix(HEADS), oid) for name, oid in view.items() if name.startswith(HEADS)]
    for name, oid in view.items():
        if name.startswith(TRASH) and name.endswith("/branch"):
            tips.append((trash_parts(name)[0], oid))
    return sorted((session_id, oid) for session_id, oid in tips if session_id not in ids)


def _renamed(name: str, tip: str, tips: Iterable[tuple[str, str]], view: View, history: Renamings) -> str:
    session_id = name.removeprefix(HEADS)
    trash = f"{TRASH}{session_id}/"
    # Deleted under its own id: most that are not there are.
    if any(oid == tip for other, oid in view.items() if other.startswith(trash) and other.endswith("/branch")):
        return ""
    for new_id, oid in tips:
        if history.contains(oid, tip) and _says_so(session_id, new_id, oid, tip, history):
            return new_id
    return ""


def _says_so(session_id: str, new_id: str, oid: str, tip: str, history: Renamings) -> bool:
    return new_id == other_name(session_id, tip) or history.was_renamed(session_id, new_id, oid, tip)


def _let_follow(done: Followed, session_id: str, ours: str, theirs: str) -> None:
    chosen = min(name for name in (ours, theirs) if name)
    old = {"base": session_id, "ours": ours or session_id, "theirs": theirs or session_id}
    views: dict[str, View] = {which: getattr(done, which) for which in old}
    if any(old[which] != chosen and HEADS + chosen in view for which, view in views.items()):
        return  # another session has that id there: both names stay
    for which, view in views.items():
        setattr(done, which, _under(view, old[which], chosen))
    if ours and theirs and ours != theirs:
        done.both[chosen] = max(ours, theirs)


def _under(view: View, old: str, new: str) -> View:
    """A view in which all that is a session's has another id."""
    if old == new:
        return view
    whole = {HEADS + old: HEADS + new, SOURCES + old: SOURCES + new}
    below = ((f"{TAGS}{old}/", f"{TAGS}{new}/"), (f"{TRASH}{old}/", f"{TRASH}{new}/"))
    made: View = {}
    for name, oid in view.items():
        moved = whole.get(name, name)
        for start, other in below:
            if name.startswith(start) and owner_of(name) == old:
                moved = other + name.removeprefix(start)
        made[moved] = oid
    return made


def renamed_to(session_id: str, tip: str, view: View, base: View, history: Renamings) -> str | None:
    """The id under which a side that lacks a session has it, all of it up to `tip`; `None` where it has not."""
    for name, oid in view.items():
        if name.startswith(HEADS) and base.get(name) != oid and history.contains(oid, tip):
            new_id = name.removeprefix(HEADS)
            if _says_so(session_id, new_id, oid, tip, history):
                return new_id
    return None
